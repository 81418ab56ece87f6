/** Reports as the sweep and a mass clear go through them: in the order of their ids. */
import { sql } from 'kysely';
import { openStatuses } from '../../policy/status.js';
import type { Db } from '../database/database.js';
import type { ReportsPort, SweptReport } from './port.js';
import { toSwept } from './rows.js';

export function sweeping(db: Db): Pick<ReportsPort, 'sweepPage' | 'markNotified' | 'openOf' | 'countOf'> {
  return {
    async sweepPage(after, limit) {
      const columns = ['id', 'status', 'cycle', 'runState', 'runCycle', 'changedAt'] as const;
      const page = db.selectFrom('reports').select(columns).where('id', '>', after).orderBy('id').limit(limit);
      return (await page.execute()).map(toSwept);
    },

    markNotified: (swept) => markNotified(db, swept),

    async openOf(serviceProblemId, after, limit) {
      const rows = await db
        .selectFrom('reports')
        .select('id')
        .where('serviceProblemId', '=', serviceProblemId)
        .where((eb) => eb.or([eb('status', 'in', openStatuses), eb.and({ status: 'resolved', runState: 'open' })]))
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
        .where('serviceProblemId', '=', serviceProblemId)
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },
  };
}

/**
 * Does nothing if the report has changed since it was compared, because the run has not been notified of that, or if the run has
 * recorded more since. Times are compared in milliseconds: other programs may write finer ones.
 */
export async function markNotified(
  db: Db,
  { id, state, cycle, changedAt, runState, runCycle }: SweptReport,
): Promise<void> {
  await db
    .updateTable('reports')
    .set({ runState: state, runCycle: cycle })
    .where('id', '=', id)
    .where('cycle', '=', cycle)
    .where('runState', '=', runState)
    .where('runCycle', '=', runCycle)
    .where(sql`date_trunc('milliseconds', changed_at)`, 'is not distinct from', changedAt && new Date(changedAt))
    .execute();
}
