/** Which report each alarm is about, and which of its firings was last seen. */
import { sql } from 'kysely';
import type { Db } from './database/database.js';

export interface AlarmTable {
  /** Undefined until a report was opened. */
  find(source: string, fingerprint: string): Promise<{ reportId: string; startsAt: Date } | undefined>;
  /** The report that this firing is about. */
  set(source: string, fingerprint: string, startsAt: Date, reportId: string): Promise<void>;
  /** Does something about an alarm while nobody else does: both halves of a pair send the same at the same time. */
  exclusively<T>(source: string, fingerprint: string, work: () => Promise<T>): Promise<T>;
}

export function alarmTable(db: Db): AlarmTable {
  return {
    async find(source, fingerprint) {
      const row = await db
        .selectFrom('alarms')
        .select(['reportId', 'startsAt'])
        .where('source', '=', source)
        .where('fingerprint', '=', fingerprint)
        .executeTakeFirst();
      return row?.reportId ? { reportId: row.reportId, startsAt: row.startsAt } : undefined;
    },

    async set(source, fingerprint, startsAt, reportId) {
      await db
        .insertInto('alarms')
        .values({ source, fingerprint, startsAt, reportId })
        .onConflict((c) => c.columns(['source', 'fingerprint']).doUpdateSet({ startsAt, reportId }))
        .execute();
    },

    exclusively: (source, fingerprint, work) =>
      db.transaction().execute(async (tx) => {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`${source} ${fingerprint}`}, 656))`.execute(tx);
        return work();
      }),
  };
}
