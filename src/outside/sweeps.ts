/** The result of the last sweep, and the lost runs that sweeps have replaced. */
import { sql } from 'kysely';
import type { SweepResult } from '../contract/messages.js';
import type { Db } from './database/database.js';
import { now } from './database/clock.js';

export interface LastSweep {
  /** Number of sweeps so far. Temporal keeps it too: if they differ, one of them was restored. */
  counter: number;
  workflowId: string;
  runId: string;
  notified: Record<string, number>;
  failed: number;
  stuck: number;
  tookMs: number;
  at: Date;
}

export interface Sweeps {
  /** Returns the number of this sweep, which is greater than `atLeast`. Safe to repeat by the same run. */
  record(
    result: Omit<SweepResult, 'counter'> & { tookMs: number; atLeast: number; workflowId: string; runId: string },
  ): Promise<number>;
  last(): Promise<LastSweep | undefined>;
  /** Those of the lost runs that were not replaced yet. */
  unhandled<T extends { runId: string }>(lost: T[]): Promise<T[]>;
  markHandled(runId: string): Promise<void>;
}

export function sweepTable(db: Db): Sweeps {
  return {
    async record({ notified, failed, stuck, tookMs, atLeast, workflowId, runId }) {
      const row = { notified: JSON.stringify(notified), failed, stuck, tookMs, at: now(), workflowId, runId };
      const { counter } = await db
        .insertInto('sweeps')
        .values({ ...row, counter: atLeast + 1 })
        .onConflict((c) =>
          c.column('id').doUpdateSet({
            ...row,
            counter: sql<number>`case when sweeps.run_id = excluded.run_id then sweeps.counter
              else greatest(sweeps.counter, ${atLeast}::int) + 1 end`,
          }),
        )
        .returning('counter')
        .executeTakeFirstOrThrow();
      await sql`delete from lost_runs where at < now() - interval '1 day'`.execute(db);
      return counter;
    },

    last: () => db.selectFrom('sweeps').selectAll().executeTakeFirst(),

    async unhandled(lost) {
      const ids = lost.map(({ runId }) => runId);
      const { rows } = await sql<{ runId: string }>`select run_id from lost_runs where run_id = any(${ids})`.execute(
        db,
      );
      const handled = new Set(rows.map(({ runId }) => runId));
      return lost.filter(({ runId }) => !handled.has(runId));
    },

    async markHandled(runId) {
      await sql`insert into lost_runs (run_id) values (${runId}) on conflict do nothing`.execute(db);
    },
  };
}
