/** The status history of reports. */
import { sql } from 'kysely';
import type { StatusChange } from '../../contract/reports.js';
import type { Db } from '../database/database.js';

export interface RecordedStatus {
  status: StatusChange['status'];
  at: Date;
  by?: string;
  reason?: string;
}

/** A change that was recorded before only gains what it lacked. */
export async function recordStatus(
  tx: Db,
  { id, cycle }: { id: string; cycle: number },
  changes: RecordedStatus[],
): Promise<void> {
  await tx
    .insertInto('statusChanges')
    .values(changes.map(({ status, at, by, reason }) => ({ status, at, by, reason, reportId: id, cycle })))
    .onConflict((c) =>
      c.columns(['reportId', 'status', 'at']).doUpdateSet({
        by: sql`coalesce(status_changes.by, excluded.by)`,
        reason: sql`coalesce(status_changes.reason, excluded.reason)`,
      }),
    )
    .execute();
}
