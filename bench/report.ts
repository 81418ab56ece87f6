/** The measurements as tables. */
import Table from 'cli-table3';
import type { Pair } from './contenders.js';
import { batch, burst, type Burst, type HistoryEvents } from './measure.js';

export function comparison(single: Pair<number[]>, many: Pair<Burst>, events: HistoryEvents): string {
  const table = plainTable(['', 'bare', 'Closeout', 'ratio']);
  const row = (what: string, bare: number, closeout: number, unit: string, digits = 0) =>
    table.push([
      what,
      `${bare.toFixed(digits)} ${unit}`,
      `${closeout.toFixed(digits)} ${unit}`,
      (closeout / bare).toFixed(2),
    ]);
  const compare = (what: string, value: (who: keyof Pair<unknown>) => number, unit: string, digits = 0) =>
    row(what, value('bare'), value('closeout'), unit, digits);
  const bursts = `${burst} in batches of ${batch}`;
  compare('cleared to mail, one at a time, p50', (who) => quantile(single[who], 0.5), 'ms');
  compare('cleared to mail, one at a time, p95', (who) => quantile(single[who], 0.95), 'ms');
  compare(`${bursts}, p50`, (who) => quantile(many[who].times, 0.5), 'ms');
  compare(`${bursts}, p95`, (who) => quantile(many[who].times, 0.95), 'ms');
  compare(`${bursts}, mails per second`, (who) => burst / many[who].seconds, '/s');
  compare('CPU of the worker per closing', (who) => (many[who].worker / burst) * 1000, 'ms', 1);
  compare('CPU of the server per closing', (who) => (many[who].server / burst) * 1000, 'ms', 1);
  row('history events until the mail is sent', events.bare, events.mailed, '');
  row('history events of a run that is answered', events.bare, events.done, '');
  return `${table.toString()}\n`;
}

export function priorityTable(without: number[], withPriorities: number[]): string {
  const table = plainTable(['cleared to mail behind 150 others', 'without priorities', 'with', 'ratio']);
  const [before, after] = [quantile(without, 0.5), quantile(withPriorities, 0.5)];
  const what = `p50 of ${without.length}`;
  table.push([what, `${before.toFixed(0)} ms`, `${after.toFixed(0)} ms`, (after / before).toFixed(2)]);
  return `${table.toString()}\n`;
}

/** Query → ms, with few reports and with many. */
export function dashboardTable(few: Map<string, number>, many: Map<string, number>): string {
  const table = plainTable(['slowest of ten calls of the dashboard', '2,000 reports', '20,000', 'ratio']);
  for (const [name, ms] of many) {
    const before = few.get(name) ?? NaN;
    table.push([name, `${before.toFixed(1)} ms`, `${ms.toFixed(1)} ms`, (ms / before).toFixed(1)]);
  }
  return `${table.toString()}\n`;
}

function plainTable(head: string[]) {
  return new Table({ head, colAligns: ['left', 'right', 'right', 'right'], style: { head: [], border: [] } });
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
