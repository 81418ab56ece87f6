/** The result of the last sweep. */
import type { SweepResult } from '../contract/messages.js';
import type { Db } from './database/database.js';

export type Sweeps = ReturnType<typeof sweepTable>;

export function sweepTable(db: Db) {
  return {
    async note({ reports, told, failed, tookMs }: SweepResult & { tookMs: number }): Promise<void> {
      const row = { reports, told: JSON.stringify(told), failed, took_ms: tookMs, at: new Date() };
      await db
        .insertInto('sweeps')
        .values(row)
        .onConflict((c) => c.column('id').doUpdateSet(row))
        .execute();
    },

    last: () => db.selectFrom('sweeps').selectAll().executeTakeFirst(),
  };
}
