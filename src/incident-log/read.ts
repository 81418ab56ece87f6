/** A recorded log of incidents: a CSV file as incidents with their changes, for replay and rehearsal. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import type { ChangeKind } from '../contract/reports.js';

/** Columns of the "incident management process enriched event log" (UCI 498), one row per change. Other columns are ignored. */
const row = z.object({
  number: z.string().min(1),
  incident_state: z.string().min(1),
  caller_id: z.string(),
  opened_at: z.string(),
  sys_updated_at: z.string(),
  problem_id: z.string(),
  impact: z.string(),
  category: z.string(),
});
type Row = z.infer<typeof row>;

export interface Incident {
  id: string;
  customerId: string | undefined;
  serviceProblemId: string | undefined;
  severity: string;
  category: string;
  openedAt: string;
  changes: { kind: ChangeKind; at: string }[];
}

/** Throws `BadInput` that names the row and column. */
export const readIncidents = async (file: string): Promise<Incident[]> => toIncidents(await readRows(file));

async function readRows(file: string): Promise<Row[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CloseoutError('BadInput', `${file} cannot be read (${error.code}).`, 'file');
  });
  let records: unknown[];
  try {
    records = parse(text, { columns: true, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw new CloseoutError(
      'BadInput',
      `${file} is not a CSV file with a header line: ${(error as Error).message}`,
      'file',
    );
  }
  return records.map((record, index) => {
    const result = row.safeParse(record);
    if (result.success) return result.data;
    const column = String(result.error.issues[0]?.path[0]);
    throw new CloseoutError('BadInput', `${file}, row ${index + 2}: column ${column} is missing or empty.`, column);
  });
}

function toIncidents(rows: Row[]): Incident[] {
  const byNumber = new Map<string, Row[]>();
  for (const entry of rows) byNumber.set(entry.number, [...(byNumber.get(entry.number) ?? []), entry]);
  return [...byNumber].map(([id, own]) => toIncident(id, own));
}

const known = (value: string) => (value === '?' || value === '' ? undefined : value);

function toIncident(id: string, own: Row[]): Incident {
  const [first] = own as [Row, ...Row[]];
  const changes: Incident['changes'] = [];
  let state: ChangeKind | 'open' = 'open';
  let last = 0;
  for (const { incident_state, sys_updated_at } of own) {
    const kind = kindOf(incident_state, state);
    if (!kind) continue;
    // The log is exact to the minute. Changes within a minute are spaced by a millisecond to keep their order.
    last = Math.max(instant(id, 'sys_updated_at', sys_updated_at), last + 1);
    changes.push({ kind, at: new Date(last).toISOString() });
    state = kind === 'reopened' ? 'open' : kind;
  }
  return {
    id,
    customerId: known(first.caller_id)?.replace(/\s+/g, ' '),
    serviceProblemId: known(first.problem_id)?.replace(/\s+/g, ' '),
    severity: known(first.impact) ?? 'unknown',
    category: known(first.category) ?? 'unknown',
    openedAt: new Date(instant(id, 'opened_at', first.opened_at)).toISOString(),
    changes,
  };
}

/** `Closed` without a `Resolved` before it means cleared. Closing itself is what Closeout does. */
function kindOf(word: string, state: ChangeKind | 'open'): ChangeKind | undefined {
  if (word === 'Canceled' || word === 'Cancelled') return 'cancelled';
  if (word === 'Resolved' || word === 'Closed') return state === 'cleared' ? undefined : 'cleared';
  return state === 'cleared' ? 'reopened' : undefined;
}

/** `dd-mm-yyyy hh:mm`, taken as UTC: the log names no zone. */
function instant(id: string, column: string, text: string): number {
  const [, day, month, year, hour, minute] = /^(\d{1,2})-(\d{1,2})-(\d{4}) (\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const time = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  if (Number.isNaN(time))
    throw new CloseoutError('BadInput', `${id}: ${column} must be dd-mm-yyyy hh:mm, not "${text}".`, column);
  return time;
}
