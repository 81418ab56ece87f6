/** The result of the last sweep, and the lost runs that sweeps have replaced. */
import { sql } from 'kysely';
import type { SweepResult } from '../contract/messages.js';
import { now } from './database/clock.js';
import type { Db } from './database/database.js';

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
  /** Runs that ended until then before their reports did have successors; null before the first sweep without a failure. */
  endedUntil: Date | null;
}

export interface SweepRecord extends Omit<SweepResult, 'counter'> {
  tookMs: number;
  workflowId: string;
  runId: string;
  /** This sweep gets a number greater than this. */
  atLeast: number;
  /** False if a restored database lacks something that a later sweep has to write: then the sweep is not counted. */
  isRestored: boolean;
  /** Absent if a later sweep has to try again. */
  endedUntil?: Date;
}

export interface Sweeps {
  /** Returns the number of the last sweep that counts. Safe to repeat by the same run. */
  record(sweep: SweepRecord): Promise<number>;
  last(): Promise<LastSweep | undefined>;
  /** Those of the lost runs that were not replaced yet. */
  unhandled<T extends { runId: string }>(lost: T[]): Promise<T[]>;
  markHandled(runId: string): Promise<void>;
}

export function sweepTable(db: Db): Sweeps {
  return {
    async record({ notified, failed, stuck, tookMs, atLeast, workflowId, runId, isRestored, endedUntil }) {
      const figures = { notified: JSON.stringify(notified), failed, stuck, tookMs, at: now(), endedUntil };
      const counted = {
        workflowId,
        runId,
        counter: sql<number>`case when sweeps.run_id = excluded.run_id then sweeps.counter
          else greatest(sweeps.counter, ${atLeast}::int) + 1 end`,
      };
      const { counter } = await db
        .insertInto('sweeps')
        .values({ ...figures, workflowId, runId, counter: isRestored ? atLeast + 1 : 0 })
        .onConflict((c) => c.column('id').doUpdateSet({ ...figures, ...(isRestored ? counted : {}) }))
        .returning('counter')
        .executeTakeFirstOrThrow();
      await sql`
        delete from lost_runs using sweeps where lost_runs.at < sweeps.ended_until - interval '1 day'`.execute(db);
      return Math.max(counter, atLeast);
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
