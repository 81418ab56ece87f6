/** The result of the last sweep. */
import type { SweepResult } from '../contract/messages.js';
import type { Db } from './database/database.js';

export interface LastSweep {
  reports: number;
  notified: Record<string, number>;
  failed: number;
  tookMs: number;
  at: Date;
}

export interface Sweeps {
  record(result: SweepResult & { tookMs: number }): Promise<void>;
  last(): Promise<LastSweep | undefined>;
}

export function sweepTable(db: Db): Sweeps {
  return {
    async record({ reports, notified, failed, tookMs }) {
      const row = { reports, notified: JSON.stringify(notified), failed, tookMs, at: new Date() };
      await db
        .insertInto('sweeps')
        .values(row)
        .onConflict((c) => c.column('id').doUpdateSet(row))
        .execute();
    },

    last: () => db.selectFrom('sweeps').selectAll().executeTakeFirst(),
  };
}
