/** Surveys and answers as the database keeps them: who was asked for which cycle, what became of it. */
import { sql, type Selectable } from 'kysely';
import type { Contact, Report, Score, SurveyRecord } from '../contract/reports.js';
import type { Policy } from '../policy/settings.js';
import { skipReason } from '../policy/survey.js';
import type { Db } from './database/database.js';
import type { Database } from './database/schema.js';

export type Survey = Selectable<Database['surveys']>;

export interface Candidate {
  report: Report;
  cycle: number;
  contact: Contact | undefined;
  /** HMAC of the normalised address; what opt-outs and suppressions are kept by. */
  addressHash: string | undefined;
  policy: Policy['survey'];
  /** 0 to 99, from a hash of the report id. */
  sampleBucket: number;
  byOperator: boolean;
  newId: () => string;
}

export interface Answer {
  score?: Score;
  solved?: boolean;
  comment?: string;
}

export type Surveys = ReturnType<typeof surveyTable>;

export function surveyTable(db: Db) {
  const find = (id: string) => db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirst();
  /** At most one: unique by report and cycle. */
  const ofCycle = (reportId: string, cycle: number) =>
    db
      .selectFrom('surveys')
      .selectAll()
      .where('report_id', '=', reportId)
      .where('cycle', '=', cycle)
      .executeTakeFirst();

  return {
    find,
    ofCycle,
    /** One a cycle, oldest first. */
    ofReport: (reportId: string) =>
      db.selectFrom('surveys').selectAll().where('report_id', '=', reportId).orderBy('cycle').execute(),

    decide: (candidate: Candidate) => decide(db, candidate),

    /** The relay has accepted the mail. Only from `claimed`: a survey that was ended meanwhile stays ended. */
    async markSent(id: string, kind: 'survey' | 'reminder'): Promise<Survey> {
      const now = new Date();
      const mark = kind === 'survey' ? { state: 'sent' as const, sent_at: now } : { reminded_at: now };
      await db
        .updateTable('surveys')
        .set(mark)
        .where('id', '=', id)
        .where('state', '=', kind === 'survey' ? 'claimed' : 'sent')
        .execute();
      return db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    },

    /** Ends a survey that still waits; one that was answered or ended otherwise stays what it is. */
    async end(
      reportId: string,
      cycle: number,
      as: 'expired' | 'undeliverable',
      reason?: string,
    ): Promise<SurveyRecord> {
      await db
        .updateTable('surveys')
        .set({ state: as, reason: reason ?? null })
        .where('report_id', '=', reportId)
        .where('cycle', '=', cycle)
        .where('state', 'in', ['claimed', 'sent'])
        .execute();
      const survey = await ofCycle(reportId, cycle);
      return survey ? toRecord(survey) : { state: as, ...(reason ? { reason } : {}) };
    },

    /** Reopening takes the question back: an open survey is superseded, one not yet sent is skipped. */
    async supersedeBefore(reportId: string, cycle: number): Promise<void> {
      const open = db.updateTable('surveys').where('report_id', '=', reportId).where('cycle', '<', cycle);
      await open.set({ state: 'superseded' }).where('state', '=', 'sent').execute();
      await open.set({ state: 'skipped', reason: 'reopened' }).where('state', '=', 'claimed').execute();
    },

    /** Stores the one answer of an open survey. False: it was answered, ended or expired before. */
    answer: (id: string, { score, solved, comment }: Answer): Promise<boolean> =>
      db.transaction().execute(async (tx) => {
        const answered = await tx
          .updateTable('surveys')
          .set({ state: 'answered' })
          .where('id', '=', id)
          .where('state', 'in', ['claimed', 'sent'])
          .where('expires_at', '>', sql<Date>`now()`)
          .executeTakeFirst();
        if (answered.numUpdatedRows === 0n) return false;
        await tx
          .insertInto('answers')
          .values({ survey_id: id, score: score ?? null, solved: solved ?? null, comment: comment || null })
          .execute();
        return true;
      }),

    answerOf: (id: string) => db.selectFrom('answers').selectAll().where('survey_id', '=', id).executeTakeFirst(),

    /** A refused address is not written to again. */
    async suppress(addressHash: string, reason: string, source: string): Promise<void> {
      await db
        .insertInto('suppressions')
        .values({ address_hash: addressHash, reason, source })
        .onConflict((c) => c.doNothing())
        .execute();
    },

    /** Opted out or suppressed since the survey went out. */
    async isBlocked(addressHash: string): Promise<boolean> {
      const found = await sql`
        select from opt_outs where address_hash = ${addressHash}
        union all select from suppressions where address_hash = ${addressHash}`.execute(db);
      return found.rows.length > 0;
    },

    async optOut(addressHash: string, source: string): Promise<void> {
      await db
        .insertInto('opt_outs')
        .values({ address_hash: addressHash, source })
        .onConflict((c) => c.doNothing())
        .execute();
    },
  };
}

/**
 * Decides, once a report and cycle, whether to ask, and checks again on every retry until the mail is out. The
 * customer's row is locked meanwhile, so that the contact cap is exact however many reports of one customer are closed
 * at the same time.
 */
async function decide(db: Db, candidate: Candidate): Promise<Survey> {
  const { report, cycle, policy } = candidate;
  const customerId = report.customerId ?? null;
  return db.transaction().execute(async (tx) => {
    if (customerId) {
      await tx
        .insertInto('customers')
        .values({ id: customerId })
        .onConflict((c) => c.doNothing())
        .execute();
      await tx.selectFrom('customers').select('id').where('id', '=', customerId).forUpdate().execute();
    }
    const reason = skipReason(await sendFacts(tx, candidate), policy) ?? null;
    const decision = reason ? { state: 'skipped' as const, reason } : { state: 'claimed' as const, reason };
    return tx
      .insertInto('surveys')
      .values({
        id: candidate.newId(),
        report_id: report.id,
        cycle,
        customer_id: customerId,
        service_problem_id: report.serviceProblemId ?? null,
        expires_at: new Date(Date.now() + policy.expiresAfter),
        ...decision,
      })
      .onConflict((c) =>
        c.columns(['report_id', 'cycle']).doUpdateSet({
          state: sql`case surveys.state when 'claimed' then excluded.state else surveys.state end`,
          reason: sql`case surveys.state when 'claimed' then excluded.reason else surveys.reason end`,
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

const asked = sql<boolean>`state not in ('skipped', 'undeliverable')`;

/** All counts in one round trip. */
async function sendFacts(tx: Db, { report, cycle, contact, addressHash, policy, sampleBucket, byOperator }: Candidate) {
  const since = new Date(Date.now() - (policy.contactCap?.per ?? 0));
  const hash = addressHash ?? '';
  const counts = await sql<{
    opted_out: boolean;
    suppressed: boolean;
    to_customer: number;
    for_report: number;
    for_problem: boolean;
  }>`
    select
      exists (select from opt_outs where address_hash = ${hash}) as opted_out,
      exists (select from suppressions where address_hash = ${hash}) as suppressed,
      (select count(*)::int from surveys where customer_id = ${report.customerId ?? null}
        and claimed_at > ${since} and not (report_id = ${report.id} and cycle = ${cycle}) and ${asked}) as to_customer,
      (select count(*)::int from surveys where report_id = ${report.id} and cycle < ${cycle} and ${asked}) as for_report,
      exists (select from surveys where customer_id = ${report.customerId ?? null}
        and service_problem_id = ${report.serviceProblemId ?? null} and report_id <> ${report.id} and ${asked}) as for_problem
  `.execute(tx);
  const [count] = counts.rows;
  return {
    status: report.status,
    isCurrentCycle: report.cycle === cycle,
    isRecleared: cycle > 1,
    hasAddress: contact?.emailAddress !== undefined,
    optedOut: count?.opted_out ?? false,
    suppressed: count?.suppressed ?? false,
    sentToCustomer: count?.to_customer ?? 0,
    sentForReport: count?.for_report ?? 0,
    askedForServiceProblem: count?.for_problem ?? false,
    sampleBucket,
    byOperator,
  };
}

/** The survey as a run and `closeout status` see it; a claim is not yet anything to see. */
export function toRecord(survey: Survey): SurveyRecord {
  if (survey.state === 'claimed') return { state: 'none' };
  return {
    state: survey.state,
    ...(survey.reason ? { reason: survey.reason } : {}),
    ...(survey.state === 'skipped' ? {} : { id: survey.id }),
    ...(survey.sent_at ? { sentAt: survey.sent_at.toISOString() } : {}),
    ...(survey.expires_at ? { expiresAt: survey.expires_at.toISOString() } : {}),
  };
}
