/** What people said while Temporal may have been unavailable. It was stored first, and the sweep sends what has not arrived. */
import { sql } from 'kysely';
import type { ChangeSignal } from '../contract/messages.js';
import type { ScaleName } from '../contract/scale.js';
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
export const reopenedSignal = ({ id, hasReason, receivedAt }: StoredReopening): ChangeSignal => ({
  id,
  by: 'customer',
  receivedAt: receivedAt.toISOString(),
  hasReason: hasReason || undefined,
});

export interface LateAnswer {
  surveyId: string;
  reportId: string;
  cycle: number;
  revision: number;
  scale: ScaleName;
}

export interface Unsent {
  /** Safe to repeat. The ledger removes it when it writes a reopening of the report. */
  storeReopening(reopening: StoredReopening): Promise<void>;
  /** Whether a reopening of the last clearing is stored; `exceptId`: other than this one. */
  isReopening(reportId: string, exceptId?: string): Promise<boolean>;
  /** Those that should have arrived by now. */
  reopenings(limit: number): Promise<StoredReopening[]>;
  /** It was signalled again. */
  markSignalled(id: string): Promise<void>;
  /** Removes a report's reopenings, which no longer have any effect; what customers wrote becomes messages. */
  endReopenings(reportId: string): Promise<void>;
  /** Operators' replies whose runs may not have been started, or may be lost; their ids. */
  replies(limit: number): Promise<string[]>;
  /** What customers wrote and no operator was alerted to; the ids of the messages. */
  unread(limit: number): Promise<string[]>;
  /** Answers that no run acted on before the next cycle of their reports began. */
  lateAnswers(limit: number): Promise<LateAnswer[]>;
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

    async isReopening(reportId, exceptId = '') {
      const { rows } = await sql`
        select from stored_reopenings stored join reports on reports.id = report_id
        where report_id = ${reportId} and stored.id <> ${exceptId}
          and received_at > coalesce(clear_received_at, '-infinity') limit 1`.execute(db);
      return rows.length > 0;
    },

    reopenings: (limit) =>
      db
        .selectFrom('storedReopenings')
        .selectAll()
        .where(sql<boolean>`coalesce(signalled_at + interval '1 hour', received_at + interval '30 seconds') < now()`)
        .orderBy('receivedAt')
        .limit(limit)
        .execute(),

    async markSignalled(id) {
      const signalledAt = sql<Date>`now()`;
      await db.updateTable('storedReopenings').set({ signalledAt }).where('id', '=', id).execute();
    },

    endReopenings: (reportId) => db.transaction().execute((tx) => endReopenings(tx, reportId)),

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

    async lateAnswers(limit) {
      const { rows } = await sql<LateAnswer>`
        select s.id as survey_id, s.report_id, s.cycle, a.revision, q.scale
        from answers a join surveys s on s.id = a.survey_id join reports r on r.id = s.report_id join questions q on q.id = s.question_id
        where a.acted_on_revision < a.revision and s.cycle < r.cycle and a.changed_at < now() - interval '1 minute'
        order by a.changed_at limit ${limit}`.execute(db);
      return rows;
    },
  };
}

/**
 * Nothing is left to signal. What customers wrote to the reopenings, other than what is the reason of a change, becomes messages, to
 * which the sweep alerts an operator.
 */
export async function endReopenings(tx: Db, reportId: string): Promise<void> {
  await sql`
    insert into messages (id, survey_id, direction, author, text)
    select stored.id, asked.id, 'in', null, said.reason
    from stored_reopenings stored
      join change_reasons said on said.report_id = stored.report_id and said.id = stored.id
      join lateral (select id from surveys where report_id = stored.report_id and mailed_at is not null
        order by cycle desc limit 1) asked on true
    where stored.report_id = ${reportId}
      and not exists (select from status_changes where report_id = stored.report_id and reason = said.reason)
    on conflict do nothing`.execute(tx);
  await tx.deleteFrom('storedReopenings').where('reportId', '=', reportId).execute();
}
