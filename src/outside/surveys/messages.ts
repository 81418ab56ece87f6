/** Mail between customers and operators: what customers replied, and what operators answered. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../database/database.js';

export interface Message {
  id: string;
  surveyId: string;
  direction: 'in' | 'out';
  messageId: string | null;
  /** Outgoing: the operator. Incoming: null if it came from the report's own address. */
  author: string | null;
  text: string;
  at: Date;
  sentAt: Date | null;
  /** When its alert, or the run that mails it, was started. */
  begunAt: Date | null;
  /** Code of the error because of which a reply is not mailed. */
  failure: string | null;
}

export type NewMessage = Pick<Message, 'id' | 'surveyId' | 'direction' | 'author' | 'text'> & { messageId?: string };

/** What a customer wrote on a page. The same words to the same survey are one message. */
export const messageFromPage = (surveyId: string, text: string): NewMessage => {
  const id = createHash('sha256').update(`${surveyId} ${text}`).digest('base64url').slice(0, 22);
  return { id, surveyId, direction: 'in', author: null, text };
};

export interface Messages {
  /** Returns false if this message was stored before. */
  store(message: NewMessage): Promise<boolean>;
  find(id: string): Promise<Message | undefined>;
  /** Oldest first. */
  ofSurvey(surveyId: string): Promise<Message[]>;
  /** The customer, or somebody for them, wrote back. */
  hasReply(surveyId: string): Promise<boolean>;
  markSent(id: string): Promise<void>;
  /** The alert to it, or the run that mails it, was started. */
  markBegun(id: string): Promise<void>;
  /** A reply will not be mailed, or came back. `failure`: code of the error. */
  giveUp(id: string, failure: string): Promise<void>;
}

export function messageTable(db: Db): Messages {
  return {
    async store(message) {
      const stored = await db
        .insertInto('messages')
        .values(message)
        .onConflict((c) => c.doNothing())
        .executeTakeFirst();
      // What comes after the personal data of a report were removed is removed next.
      await sql`
        update reports set last_update = now() from surveys
        where surveys.id = ${message.surveyId} and reports.id = surveys.report_id and forgotten_at is not null`.execute(
        db,
      );
      return stored.numInsertedOrUpdatedRows === 1n;
    },

    find: (id) => db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst(),

    ofSurvey: (surveyId) =>
      db.selectFrom('messages').selectAll().where('surveyId', '=', surveyId).orderBy('at').execute(),

    async hasReply(surveyId) {
      const replies = db.selectFrom('messages').select('id').where('surveyId', '=', surveyId);
      return (await replies.where('direction', '=', 'in').limit(1).executeTakeFirst()) !== undefined;
    },

    async markSent(id) {
      await db
        .updateTable('messages')
        .set({ sentAt: sql`now()` })
        .where('id', '=', id)
        .where('sentAt', 'is', null)
        .execute();
    },

    async markBegun(id) {
      await db
        .updateTable('messages')
        .set({ begunAt: sql`now()` })
        .where('id', '=', id)
        .execute();
    },

    async giveUp(id, failure) {
      await db.updateTable('messages').set({ failure }).where('id', '=', id).execute();
    },
  };
}
