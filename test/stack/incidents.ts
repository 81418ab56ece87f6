import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';

/** Cycles of each incident, counted from the file alone: one more for every way back from resolved or closed. */
export function cyclesIn(file: string): Record<string, number> {
  const cycles: Record<string, number> = {};
  const states = new Map<string, string>();
  for (const row of parse<{ number: string; incident_state: string }>(readFileSync(file), { columns: true })) {
    const over = ['Resolved', 'Closed'].includes(row.incident_state);
    if (!over && states.get(row.number) === 'over') cycles[row.number] = (cycles[row.number] ?? 1) + 1;
    cycles[row.number] ??= 1;
    states.set(row.number, over ? 'over' : 'open');
  }
  return cycles;
}
