/** Reports as the sweep and a mass clear go through them: in the order of their ids. */
import { sql, type Selectable } from 'kysely';
import { openStatuses, situationOf } from '../../policy/status.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import type { ReportsPort, WatchedReport } from './port.js';

type Row = Selectable<Database['reports']>;

export function watching(db: Db): Pick<ReportsPort, 'watch' | 'settle' | 'openOf' | 'countOf'> {
  return {
    async watch(after, limit) {
      const columns = ['id', 'status', 'cycle', 'run_status', 'run_cycle', 'changed_at'] as const;
      const page = db.selectFrom('reports').select(columns).where('id', '>', after).orderBy('id').limit(limit);
      return (await page.execute()).map(toWatched);
    },

    settle: (watched) => settle(db, watched),

    async openOf(serviceProblemId, after, limit) {
      const rows = await db
        .selectFrom('reports')
        .select('id')
        .where('service_problem_id', '=', serviceProblemId)
        .where((eb) => eb.or([eb('status', 'in', openStatuses), eb.and({ status: 'resolved', run_status: 'open' })]))
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },

    async countOf(serviceProblemId) {
      const rows = await db
        .selectFrom('reports')
        .select(['status', (eb) => eb.fn.countAll<string>().as('count')])
        .where('service_problem_id', '=', serviceProblemId)
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },
  };
}

/**
 * Only if the report still stands where it was watched, as what came since has yet to be told; and only if its run has not
 * said more meanwhile. Times are compared in milliseconds: others may have written finer ones.
 */
export async function settle(db: Db, { id, status, cycle, at, runStatus, runCycle }: WatchedReport): Promise<void> {
  await db
    .updateTable('reports')
    .set({ run_status: status, run_cycle: cycle })
    .where('id', '=', id)
    .where('cycle', '=', cycle)
    .where('run_status', '=', runStatus)
    .where('run_cycle', '=', runCycle)
    .where(sql`date_trunc('milliseconds', changed_at)`, 'is not distinct from', at === null ? null : new Date(at))
    .execute();
}

export function toWatched(
  row: Pick<Row, 'id' | 'status' | 'cycle' | 'run_status' | 'run_cycle' | 'changed_at'>,
): WatchedReport {
  const { status, at } = situationOf(row.status, row.changed_at?.toISOString() ?? null);
  return { id: row.id, status, cycle: row.cycle, runStatus: row.run_status, runCycle: row.run_cycle, at };
}
