/** Writes to the ledger that only the run that owns the row may make, and only with a newer revision than the row's. */
import type { UpdateObject } from 'kysely';
import type { Fence } from '../../policy/standing.js';
import { later, minute } from '../../policy/time.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import { lock } from './report-row.js';
import type { ReportRow } from './row-mapping.js';

/** What stands after a write. `isSuperseded`: another run or a newer revision has written, so nothing was. */
export interface Written {
  row: ReportRow;
  isSuperseded: boolean;
  /** The change came too late, and left the report as it is. */
  isTooLate?: boolean;
}

export type Columns = Partial<UpdateObject<Database, 'reports'>>;

/**
 * Locks the row, and changes it if the fence lets the run write and `columnsFor` returns columns. A change that comes too late has its
 * number in the row, too: a row that is behind its run looks like one of a restored database.
 */
export async function write(
  tx: Db,
  fence: Fence,
  columnsFor: (row: ReportRow) => Columns | undefined,
): Promise<Written> {
  const row = await lock(tx, fence.reportId);
  const isSuperseded = supersedes(row, fence);
  if (isSuperseded || row.rev === fence.rev) return { row, isSuperseded };
  const columns = columnsFor(row);
  return { row: await set(tx, fence, columns ?? {}), isSuperseded: false, isTooLate: columns === undefined };
}

/** Another run, a newer revision, or something else under the same number was written; or the row was restored. */
export const supersedes = ({ runId, rev, lastWrite }: ReportRow, fence: Fence): boolean =>
  runId !== fence.runId ||
  rev > fence.rev ||
  rev < (fence.lastWrittenRev ?? 0) ||
  (rev === fence.rev && lastWrite !== fence.write);

export function set(
  tx: Db,
  { reportId, rev, write: lastWrite, received, signals }: Fence,
  columns: Columns,
): Promise<ReportRow> {
  return tx
    .updateTable('reports')
    .set({
      wakes: 0,
      wakeAfter: null,
      ...columns,
      rev,
      lastWrite,
      signals,
      received: received && JSON.stringify(received),
    })
    .where('id', '=', reportId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** By when a run that has something to do will have written again. */
export const expectedSoon = (): Date => later(now(), 5 * minute);
