/** What people said while Temporal may have been unavailable. It was stored first, and the sweep sends what has not arrived. */
import { sql } from 'kysely';
import type { ChangeSignal } from '../contract/messages.js';
import type { Db } from './database/database.js';

/** A customer says, too late for an answer, that the problem is not solved. */
export interface StoredReopening {
  /** Of the change: its run counts it once. */
  id: string;
  reportId: string;
  hasReason: boolean;
  receivedAt: Date;
}

/** The payload of its signal. */
export const customersReopening = ({ id, hasReason, receivedAt }: StoredReopening): ChangeSignal => ({
  id,
  by: 'customer',
  receivedAt: receivedAt.toISOString(),
  hasReason: hasReason || undefined,
});

export interface Unsent {
  /** Safe to repeat. The ledger removes it when it writes the reopening. */
  storeReopening(reopening: StoredReopening): Promise<void>;
  isReopening(reportId: string): Promise<boolean>;
  /** Those that should have arrived by now. */
  reopenings(limit: number): Promise<StoredReopening[]>;
  removeReopening(id: string): Promise<void>;
  /** Operators' replies whose runs may not have been started, or may be lost; their ids. */
  replies(limit: number): Promise<string[]>;
  /** What customers wrote and no operator was alerted to; the ids of the messages. */
  unread(limit: number): Promise<string[]>;
}

export function unsent(db: Db): Unsent {
  return {
    async storeReopening(reopening) {
      await db
        .insertInto('storedReopenings')
        .values(reopening)
        .onConflict((c) => c.doNothing())
        .execute();
    },

    async isReopening(reportId) {
      const stored = db.selectFrom('storedReopenings').select('id').where('reportId', '=', reportId);
      return (await stored.limit(1).executeTakeFirst()) !== undefined;
    },

    reopenings: (limit) =>
      db
        .selectFrom('storedReopenings')
        .selectAll()
        .where('receivedAt', '<', sql<Date>`now() - interval '30 seconds'`)
        .orderBy('receivedAt')
        .limit(limit)
        .execute(),

    async removeReopening(id) {
      await db.deleteFrom('storedReopenings').where('id', '=', id).execute();
    },

    async replies(limit) {
      const { rows } = await sql<{ id: string }>`
        select id from messages where direction = 'out' and sent_at is null and failure is null and text <> '' and at > now() - interval '30 days'
          and coalesce(begun_at + interval '1 hour', at + interval '1 minute') < now() order by at limit ${limit}`.execute(
        db,
      );
      return rows.map(({ id }) => id);
    },

    async unread(limit) {
      const { rows } = await sql<{ id: string }>`
        select id from messages where direction = 'in' and begun_at is null and text <> '' and at > now() - interval '30 days'
          and at < now() - interval '1 minute' order by at limit ${limit}`.execute(db);
      return rows.map(({ id }) => id);
    },
  };
}
