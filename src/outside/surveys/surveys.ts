/** Surveys as the database keeps them: which customer was asked for which cycle, and the outcome. */
import { sql } from 'kysely';
import type { ReportKeys } from '../../contract/reports.js';
import type { SkipReason, Survey, SurveyRecord } from '../../contract/survey.js';
import type { ThreadStart } from '../../customer/mail.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import { decideSurvey, type HashAddress, type SurveyDecision, type SurveyDecisionRequest } from './decide.js';
import { earlierAddresses, noteMailedTo, surveyOfCycle, surveyRecord, type SurveyIdOf } from './survey-row.js';
import { changeWithEvent } from './timeline.js';

export interface Surveys {
  idOf: SurveyIdOf;
  find(id: string): Promise<Survey | undefined>;
  ofCycle(reportId: string, cycle: number): Promise<Survey | undefined>;
  /** One per cycle, oldest first. */
  ofReport(reportId: string): Promise<Survey[]>;
  /** Decides once per cycle whether the customer is asked; undefined if the report is not closed in this cycle. */
  decide(request: SurveyDecisionRequest): Promise<SurveyDecision | undefined>;
  /** One that could not be delivered is to be sent after all. */
  queueAgain(reportId: string, cycle: number, expiresAt: Date): Promise<void>;
  /** The relay has accepted the mail; `expectedAt`: when its run writes next. A survey that was ended meanwhile stays ended. */
  markSent(sent: SentMail): Promise<Survey>;
  /** Policy `perCycle: replace`: from now on, earlier cycles' surveys do not count. */
  replaceEarlier(reportId: string, cycle: number): Promise<void>;
  /** Ends an open survey. One that was answered or has ended otherwise stays what it is. */
  end(
    reportId: string,
    cycle: number,
    as: 'expired' | 'undeliverable',
    why: { reason?: string; by?: string },
  ): Promise<SurveyRecord>;
  /** Gives the customer of an open survey more time to answer. */
  extend(reportId: string, cycle: number, until: Date, by: string): Promise<SurveyRecord>;
  setAlerted(id: string, revision: number | null): Promise<void>;
  /** The one reminder or warning counts as sent, although the relay refuses it. */
  markNotSent(id: string, kind: 'reminder' | 'warning'): Promise<void>;
  /** The mailed surveys of the report's earlier cycles, oldest first: the thread that a mail continues. */
  mailedBefore(reportId: string, cycle: number): Promise<ThreadStart[]>;
}

export interface SentMail {
  id: string;
  /** `again`: the survey mail, after it was rejected because of its sender. */
  kind: 'survey' | 'again' | 'reminder';
  /** Hash of the address that was mailed; absent: no mail was needed, or another channel delivers it. */
  mailedTo?: string;
  /** For the timeline. */
  detail?: string;
  expectedAt: Date | null;
}

export function surveyTable(db: Db, hashOf: HashAddress, surveyIdOf: SurveyIdOf): Surveys {
  const ofCycle = (reportId: string, cycle: number) => surveyOfCycle(db, reportId, cycle);
  const recordOf = async (reportId: string, cycle: number): Promise<SurveyRecord> => {
    const survey = await ofCycle(reportId, cycle);
    return survey ? surveyRecord(survey) : { state: 'none' };
  };

  return {
    idOf: surveyIdOf,
    ofCycle,
    find: (id) => db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirst(),
    ofReport: (reportId) =>
      db.selectFrom('surveys').selectAll().where('reportId', '=', reportId).orderBy('cycle').execute(),
    decide: (request) => decideSurvey(db, hashOf, surveyIdOf, request),
    markSent: (sent) => markSent(db, sent),

    async queueAgain(reportId, cycle, expiresAt) {
      await db
        .updateTable('surveys')
        .set({ state: 'queued', reason: null, mailedAt: now(), expiresAt })
        .where('reportId', '=', reportId)
        .where('cycle', '=', cycle)
        .where('state', '=', 'undeliverable')
        .execute();
    },

    async replaceEarlier(reportId, cycle) {
      const update = db
        .updateTable('surveys')
        .set({ state: 'superseded' })
        .where('reportId', '=', reportId)
        .where('cycle', '<', cycle)
        .where('state', 'in', ['sent', 'answered', 'expired'])
        .returning('id');
      await changeWithEvent(db, update, 'superseded');
    },

    async end(reportId, cycle, as, why) {
      await endOpen(db, reportId, cycle, as, why);
      const survey = await ofCycle(reportId, cycle);
      return survey ? surveyRecord(survey) : { state: as, reason: why.reason };
    },

    async extend(reportId, cycle, until, by) {
      const update = db
        .updateTable('surveys')
        .set({ expiresAt: until })
        .where('reportId', '=', reportId)
        .where('cycle', '=', cycle)
        .where('state', '=', 'sent')
        .where('expiresAt', '<>', until)
        .returning('id');
      await changeWithEvent(db, update, 'extended', { by, detail: until.toISOString() });
      return recordOf(reportId, cycle);
    },

    async setAlerted(id, revision) {
      await db.updateTable('surveys').set({ alertedRevision: revision }).where('id', '=', id).execute();
    },

    async markNotSent(id, kind) {
      const set = kind === 'reminder' ? { remindedAt: now() } : { warnedAt: now() };
      await db.updateTable('surveys').set(set).where('id', '=', id).execute();
    },

    mailedBefore: (reportId, cycle) =>
      db
        .selectFrom('surveys')
        .select(['id', sql<Date | null>`case when confirmation <> 'unreachable' then confirm_for end`.as('confirmFor')])
        .where('reportId', '=', reportId)
        .where('cycle', '<', cycle)
        .where('sentAt', 'is not', null)
        .orderBy('cycle')
        .execute(),
  };
}

/** Ends the survey of a cycle: an open one is superseded, a queued one is skipped. */
export async function withdrawSurvey(
  tx: Db,
  surveyIdOf: SurveyIdOf,
  report: ReportKeys,
  reason: SkipReason & ('reopened' | 'cancelled' | 'byOperator'),
): Promise<void> {
  await skipQueued(tx, surveyIdOf, report, reason);
  await supersedeSent(tx, report);
  await freezeAnswered(tx, report);
  await endUndeliverable(tx, report);
}

/** What is noted of each mail, in which state of the survey, and its event in the timeline; null: the caller adds it. */
const sentMails = {
  survey: { set: sql`state = 'sent', sent_at = now()`, from: 'queued', event: 'sent' },
  reminder: { set: sql`reminded_at = now()`, from: 'sent', event: 'reminded' },
  again: { set: sql`sent_at = now()`, from: 'sent', event: null },
} as const;

/** In one statement, together with the timeline and the ledger. */
async function markSent(db: Db, { id, kind, mailedTo, detail, expectedAt }: SentMail): Promise<Survey> {
  const { set, from, event } = sentMails[kind];
  const hash = mailedTo ?? null;
  const { rows } = await sql<Survey>`
    with locked as (select id from reports where id = (select report_id from surveys where id = ${id}) for update),
      changed as (update surveys set ${set}, mailed_to = coalesce(${hash}, mailed_to),
          earlier_addresses = ${earlierAddresses(hash)} from locked
        where surveys.id = ${id} and report_id = locked.id and state = ${from} returning surveys.*),
      noted as (insert into survey_events (survey_id, event, detail) select id, ${event}, ${detail ?? null} from changed where ${event}::text is not null),
      expecting as (update reports set expected_at = ${expectedAt}, wakes = 0, wake_after = null
        from changed where reports.id = changed.report_id)
    select * from changed`.execute(db);
  if (!rows[0] && mailedTo) await noteMailedTo(db, id, mailedTo);
  return rows[0] ?? db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

async function endOpen(
  db: Db,
  reportId: string,
  cycle: number,
  as: 'expired' | 'undeliverable',
  { reason, by }: { reason?: string; by?: string },
): Promise<void> {
  const update = db
    .updateTable('surveys')
    .set({ state: as, reason })
    .where('reportId', '=', reportId)
    .where('cycle', '=', cycle)
    .where('state', 'in', ['queued', 'sent'])
    .returning('id');
  await changeWithEvent(db, update, reason === 'revoked' ? 'revoked' : as, { by, detail: reason });
}

async function skipQueued(db: Db, surveyIdOf: SurveyIdOf, report: ReportKeys, reason: SkipReason): Promise<void> {
  const { id: reportId, cycle, customerId, serviceProblemId } = report;
  await db
    .insertInto('surveys')
    .values({
      id: surveyIdOf(reportId, cycle),
      reportId,
      cycle,
      customerId,
      serviceProblemId,
      state: 'skipped',
      reason,
    })
    .onConflict((c) =>
      c.columns(['reportId', 'cycle']).doUpdateSet({ state: 'skipped', reason }).where('surveys.state', '=', 'queued'),
    )
    .execute();
}

async function supersedeSent(db: Db, { id, cycle }: ReportKeys): Promise<void> {
  const update = db
    .updateTable('surveys')
    .set({ state: 'superseded' })
    .where('reportId', '=', id)
    .where('cycle', '<=', cycle)
    .where('state', '=', 'sent')
    .returning('id');
  await changeWithEvent(db, update, 'superseded');
}

/** Ends undeliverable surveys, too: a customer may have the link although a mail bounced. */
async function endUndeliverable(db: Db, { id, cycle }: ReportKeys): Promise<void> {
  const ofReport = db.updateTable('surveys').where('reportId', '=', id).where('cycle', '<=', cycle);
  await ofReport
    .set({ expiresAt: now() })
    .where('state', '=', 'undeliverable')
    .where('expiresAt', '>', now())
    .execute();
}

/** Answers keep counting, but can no longer be changed: they are about an earlier clearing. */
async function freezeAnswered(db: Db, { id, cycle }: ReportKeys): Promise<void> {
  await db
    .updateTable('surveys')
    .set({ reason: 'reopened' })
    .where('reportId', '=', id)
    .where('cycle', '<=', cycle)
    .where('state', '=', 'answered')
    .where('reason', 'is', null)
    .execute();
}
