/** A recorded log of incidents: a CSV file as incidents with their changes, for replay and rehearsal. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { DateTime } from 'luxon';
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import type { ChangeKind } from '../contract/reports.js';

/**
 * Columns of the "incident management process enriched event log" (UCI 498), one row per change, separated by commas,
 * semicolons or tabs. The rows of an incident may be in any order. Other columns are ignored.
 */
const columns = z.object({
  number: z.string().min(1),
  incident_state: z.string().min(1),
  caller_id: z.string(),
  opened_at: z.string(),
  sys_updated_at: z.string(),
  problem_id: z.string(),
  impact: z.string(),
  category: z.string(),
});

interface Row extends z.infer<typeof columns> {
  state: State;
  /** ms since 1970. */
  openedAt: number;
  updatedAt: number;
}

export interface Incident {
  id: string;
  customerId: string | undefined;
  serviceProblemId: string | undefined;
  severity: string;
  category: string;
  openedAt: string;
  changes: { kind: ChangeKind; at: string }[];
}

/** Throws `BadInput` that names the row, the column and the value. */
export const readIncidents = async (file: string): Promise<Incident[]> => toIncidents(await readRows(file));

async function readRows(file: string): Promise<Row[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CloseoutError('BadInput', `${file} cannot be read (${error.code}).`, 'file');
  });
  const [header = ''] = text.split('\n', 1);
  const delimiter = [';', '\t'].find((candidate) => header.includes(candidate)) ?? ',';
  let records: unknown[];
  try {
    records = parse(text, { columns: true, skip_empty_lines: true, bom: true, delimiter });
  } catch (error) {
    throw new CloseoutError(
      'BadInput',
      `${file} is not a CSV file with a header line: ${(error as Error).message}`,
      'file',
    );
  }
  return records.map((record, index) => toRow(record, `${file}, row ${index + 2}`));
}

function toRow(record: unknown, where: string): Row {
  const result = columns.safeParse(record);
  if (!result.success) {
    const column = String(result.error.issues[0]?.path[0]);
    throw new CloseoutError('BadInput', `${where}: column ${column} is missing or empty.`, column);
  }
  const { incident_state, opened_at, sys_updated_at } = result.data;
  return {
    ...result.data,
    state: stateOf(incident_state, where),
    openedAt: instant(opened_at, 'opened_at', where),
    updatedAt: instant(sys_updated_at, 'sys_updated_at', where),
  };
}

type State = 'open' | 'over' | 'cancelled' | 'unknown';

/** Names and numbers of ServiceNow's incident states. The log writes -100 and ? where it does not know the state. */
const states: Record<State, string[]> = {
  open: [
    'new',
    'active',
    'in progress',
    'on hold',
    'awaiting problem',
    'awaiting user info',
    'awaiting evidence',
    'awaiting vendor',
    'awaiting caller',
    'awaiting change',
    '1',
    '2',
    '3',
    '4',
    '5',
  ],
  over: ['resolved', 'closed', '6', '7'],
  cancelled: ['canceled', 'cancelled', '8'],
  unknown: ['-100', '?'],
};

function stateOf(word: string, where: string): State {
  const name = word.trim().toLowerCase();
  for (const state of ['open', 'over', 'cancelled', 'unknown'] as const) if (states[state].includes(name)) return state;
  const rule = 'must be a state such as New, Active, Awaiting User Info, Resolved, Closed or Canceled';
  throw new CloseoutError('BadInput', `${where}: incident_state ${rule}, not "${word}".`, 'incident_state');
}

/** `dd-mm-yyyy hh:mm`, taken as UTC: the log names no zone. */
function instant(text: string, column: string, where: string): number {
  const time = DateTime.fromFormat(text.trim(), 'd-M-yyyy H:mm', { zone: 'utc' });
  if (time.isValid) return time.toMillis();
  throw new CloseoutError('BadInput', `${where}: ${column} must be a time as dd-mm-yyyy hh:mm, not "${text}".`, column);
}

function toIncidents(rows: Row[]): Incident[] {
  const byNumber = new Map<string, Row[]>();
  for (const row of rows) {
    const own = byNumber.get(row.number);
    if (own) own.push(row);
    else byNumber.set(row.number, [row]);
  }
  return [...byNumber].map(([id, own]) => toIncident(id, own));
}

const known = (value: string) => (value === '?' || value === '' ? undefined : value.replace(/\s+/g, ' '));

function toIncident(id: string, own: Row[]): Incident {
  const rows = oldestFirst(own);
  const [first] = rows as [Row, ...Row[]];
  const changes: Incident['changes'] = [];
  let current: ChangeKind | 'open' = 'open';
  let last = 0;
  for (const { state, updatedAt } of rows) {
    const kind = changeTo(state, current);
    if (!kind) continue;
    // The log is exact to the minute. Changes within a minute are spaced by a millisecond to keep their order.
    last = Math.max(updatedAt, last + 1);
    changes.push({ kind, at: new Date(last).toISOString() });
    current = kind === 'reopened' ? 'open' : kind;
  }
  return {
    id,
    customerId: known(first.caller_id),
    serviceProblemId: known(first.problem_id),
    severity: known(first.impact) ?? 'unknown',
    category: known(first.category) ?? 'unknown',
    openedAt: new Date(first.openedAt).toISOString(),
    changes,
  };
}

/** Rows of the same minute keep their order, which is backwards in a log whose newest row comes first. */
function oldestFirst(rows: Row[]): Row[] {
  const isNewestFirst = (rows[0]?.updatedAt ?? 0) > (rows.at(-1)?.updatedAt ?? 0);
  return (isNewestFirst ? [...rows].reverse() : [...rows]).sort((a, b) => a.updatedAt - b.updatedAt);
}

/** `Closed` without a `Resolved` before it means cleared. Closing itself is what Closeout does. */
function changeTo(state: State, current: ChangeKind | 'open'): ChangeKind | undefined {
  if (current === 'cancelled') return undefined; // which is final
  switch (state) {
    case 'over':
      return current === 'cleared' ? undefined : 'cleared';
    case 'open':
      return current === 'cleared' ? 'reopened' : undefined;
    case 'cancelled':
      return 'cancelled';
    case 'unknown':
      return undefined;
  }
}
