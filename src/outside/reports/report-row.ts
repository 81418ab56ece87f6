/** One report's row. Each throws `ReportNotFound`. */
import { sql } from 'kysely';
import { noReport } from '../../contract/errors.js';
import type { Db } from '../database/database.js';
import type { ReportRow } from './row-mapping.js';

function found(id: string, row: ReportRow | undefined): ReportRow {
  if (!row) throw noReport(id);
  return row;
}

export async function read(db: Db, id: string): Promise<ReportRow> {
  return found(id, await db.selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirst());
}

/** Locked until the transaction ends. */
export async function lock(tx: Db, id: string): Promise<ReportRow> {
  return found(id, await tx.selectFrom('reports').selectAll().where('id', '=', id).forUpdate().executeTakeFirst());
}

/**
 * From now on, only this run may write. A run that looks its report up is not stuck. If another run was waiting for an operator, its step is
 * tried again.
 */
export async function takeOver(db: Db, id: string, runId: string): Promise<ReportRow> {
  const row = await db
    .updateTable('reports')
    .set({
      runId,
      signals: sql<number>`case when run_id = ${runId} then signals else 0 end`,
      earlierRunId: sql<string>`case when run_id = ${runId} then earlier_run_id else run_id end`,
      earlierSignals: sql<number>`case when run_id = ${runId} then earlier_signals else signals end`,
      // The longer the report has not changed, the later it is woken again.
      expectedAt: sql<Date>`case when expected_at < now()
        then now() + least(greatest(now() - last_update, interval '2 minutes'), interval '1 hour') else expected_at end`,
      wakes: sql<number>`case when expected_at < now() then 0 else wakes end`,
      attention: sql<null>`case when run_id = ${runId} and attention ->> 'step' <> 'lookUpReport' then attention end`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return found(id, row);
}

/** The cycle of a new report. If a report with its id was deleted, the count goes on, so that their surveys have different ids. */
export const firstCycle = (id: string) =>
  sql<number>`1 + coalesce((select cycle from removed_reports where id = ${id}), 0)`;

/** What must outlive a report that is deleted. */
export async function noteRemoved(tx: Db, id: string, cycle: number): Promise<void> {
  await tx
    .insertInto('removedReports')
    .values({ id, cycle })
    .onConflict((c) => c.column('id').doUpdateSet({ cycle }))
    .execute();
  await sql`
    insert into removed_surveys (id, mailed_to) select id, mailed_to from surveys where report_id = ${id} and mailed_to is not null`.execute(
    tx,
  );
}
