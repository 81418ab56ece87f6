/** Surveys as the database keeps them: who was asked for which cycle, what became of it, who must not be asked. */
import { sql, type Compilable, type Selectable } from 'kysely';
import type { Contact, Report, SkipReason, SurveyEvent, SurveyRecord } from '../../contract/reports.js';
import type { Policy } from '../../policy/settings.js';
import { skipReason } from '../../policy/survey.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';

export type Survey = Selectable<Database['surveys']>;

export interface Candidate {
  report: Report;
  cycle: number;
  contact: Contact | undefined;
  /** HMAC of the normalised address; what opt-outs and suppressions are kept by. */
  addressHash: string | undefined;
  policy: Policy['survey'];
  /** For how long after its closing "not solved" reopens the report, in ms. */
  reopenWithin: number;
  /** 0 to 99, from a hash of the report id. */
  sampleBucket: number;
  byOperator: boolean;
  /** Claimed, but not mailed before the customer's quiet hours end. */
  onHold: boolean;
  newId: () => string;
}

export type Surveys = ReturnType<typeof surveyTable>;

/** Who asked for a change, and what the timeline is to say of it. */
export interface Note {
  by?: string;
  detail?: string;
}

export async function noteEvent(
  db: Db,
  surveyId: string,
  event: SurveyEvent,
  { by, detail }: Note = {},
): Promise<void> {
  const row = { survey_id: surveyId, event, by: by ?? null, detail: detail ?? null };
  await db.insertInto('survey_events').values(row).execute();
}

/** At most one: unique by report and cycle. */
export const surveyOfCycle = (db: Db, reportId: string, cycle: number): Promise<Survey | undefined> =>
  db.selectFrom('surveys').selectAll().where('report_id', '=', reportId).where('cycle', '=', cycle).executeTakeFirst();

export function surveyTable(db: Db) {
  const find = (id: string) => db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirst();
  const ofCycle = (reportId: string, cycle: number) => surveyOfCycle(db, reportId, cycle);

  return {
    find,
    ofCycle,
    /** One a cycle, oldest first. */
    ofReport: (reportId: string) =>
      db.selectFrom('surveys').selectAll().where('report_id', '=', reportId).orderBy('cycle').execute(),

    decide: (candidate: Candidate) => decide(db, candidate),

    /** The relay has accepted the mail. Only from `claimed`: a survey that was ended meanwhile stays ended. */
    async markSent(id: string, kind: 'survey' | 'reminder', detail?: string): Promise<Survey> {
      const now = new Date();
      const mark = kind === 'survey' ? { state: 'sent' as const, sent_at: now } : { reminded_at: now };
      await change(
        db,
        db
          .updateTable('surveys')
          .set(mark)
          .where('id', '=', id)
          .where('state', '=', kind === 'survey' ? 'claimed' : 'sent')
          .returning('id'),
        kind === 'survey' ? 'sent' : 'reminded',
        { detail },
      );
      return db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    },

    /** Ends a survey that still waits; one that was answered or ended otherwise stays what it is. */
    async end(
      { reportId, cycle }: { reportId: string; cycle: number },
      as: 'expired' | 'undeliverable',
      { reason, by }: { reason?: string; by?: string } = {},
    ): Promise<SurveyRecord> {
      await change(
        db,
        db
          .updateTable('surveys')
          .set({ state: as, reason: reason ?? null })
          .where('report_id', '=', reportId)
          .where('cycle', '=', cycle)
          .where('state', 'in', ['claimed', 'sent'])
          .returning('id'),
        reason === 'revoked' ? 'revoked' : as,
        { by, detail: reason },
      );
      const survey = await ofCycle(reportId, cycle);
      return survey ? toRecord(survey) : { state: as, ...(reason ? { reason } : {}) };
    },

    /** For the customer to answer until then. Only of a survey that still waits. */
    async extend(reportId: string, cycle: number, until: string, by: string): Promise<SurveyRecord> {
      const deadline = new Date(until);
      await change(
        db,
        db
          .updateTable('surveys')
          .set({ expires_at: deadline })
          .where('report_id', '=', reportId)
          .where('cycle', '=', cycle)
          .where('state', '=', 'sent')
          .where('expires_at', '<>', deadline)
          .returning('id'),
        'extended',
        { by, detail: `until ${until}` },
      );
      const survey = await ofCycle(reportId, cycle);
      return survey ? toRecord(survey) : { state: 'none' };
    },

    /** The report's cycle ends unasked: a survey that is out is superseded, one that is not yet is skipped. Returns it. */
    async withdraw(report: WithdrawnFrom, reason: SkipReason & ('reopened' | 'cancelled')): Promise<SurveyRecord> {
      const { id, cycle, customerId = null, serviceProblemId = null } = report;
      const ours = { report_id: id, cycle, customer_id: customerId, service_problem_id: serviceProblemId };
      await db
        .insertInto('surveys')
        .values({ ...ours, id: report.newId(), state: 'skipped', reason })
        .onConflict((c) =>
          c
            .columns(['report_id', 'cycle'])
            .doUpdateSet({ state: 'skipped', reason })
            .where('surveys.state', '=', 'claimed'),
        )
        .execute();
      const supersede = db
        .updateTable('surveys')
        .set({ state: 'superseded' })
        .where('report_id', '=', id)
        .where('cycle', '<=', cycle)
        .where('state', '=', 'sent')
        .returning('id');
      await change(db, supersede, 'superseded');
      // What was answered counts on, but is about what is over: it can no longer be changed.
      await db
        .updateTable('surveys')
        .set({ reason: 'reopened' })
        .where('report_id', '=', id)
        .where('cycle', '<=', cycle)
        .where('state', '=', 'answered')
        .where('reason', 'is', null)
        .execute();
      return toRecord((await ofCycle(id, cycle)) as Survey);
    },

    async setAlerted(id: string, revision: number | null): Promise<void> {
      await db.updateTable('surveys').set({ alerted_revision: revision }).where('id', '=', id).execute();
    },

    /** The surveys of the report's earlier cycles that were mailed, oldest first: what a mail refers to. */
    async mailedBefore(reportId: string, cycle: number): Promise<{ id: string; confirmFor: Date | null }[]> {
      return db
        .selectFrom('surveys')
        .select(['id', sql<Date | null>`case when confirmation <> 'unreachable' then confirm_for end`.as('confirmFor')])
        .where('report_id', '=', reportId)
        .where('cycle', '<', cycle)
        .where('sent_at', 'is not', null)
        .orderBy('cycle')
        .execute();
    },

    /** Unless the same stands there already: the same mail may come in more than once. */
    async noteOnce(surveyId: string, event: SurveyEvent, detail: string): Promise<void> {
      const known = await db
        .selectFrom('survey_events')
        .select('id')
        .where('survey_id', '=', surveyId)
        .where('event', '=', event)
        .where('detail', '=', detail)
        .executeTakeFirst();
      if (!known) await noteEvent(db, surveyId, event, { detail });
    },

    note: (surveyId: string, event: SurveyEvent, note?: Note) => noteEvent(db, surveyId, event, note),

    /** What happened to the surveys of a report, oldest first. */
    timelineOf: (reportId: string) =>
      db
        .selectFrom('survey_events')
        .innerJoin('surveys', 'surveys.id', 'survey_events.survey_id')
        .select(['cycle', 'event', 'by', 'detail', 'at'])
        .where('report_id', '=', reportId)
        .orderBy('survey_events.id')
        .execute(),

    /** A refused address is not written to again. */
    async suppress(addressHash: string, reason: string, source: 'rcpt' | 'dsn'): Promise<void> {
      await db
        .insertInto('suppressions')
        .values({ address_hash: addressHash, reason, source })
        .onConflict((c) => c.doNothing())
        .execute();
    },

    /** Nobody can be reached there. */
    async isSuppressed(addressHash: string): Promise<boolean> {
      const found = await sql`select from suppressions where address_hash = ${addressHash}`.execute(db);
      return found.rows.length > 0;
    },

    /** Opted out or suppressed since the survey went out. */
    async isBlocked(addressHash: string): Promise<boolean> {
      const found = await sql`
        select from opt_outs where address_hash = ${addressHash}
        union all select from suppressions where address_hash = ${addressHash}`.execute(db);
      return found.rows.length > 0;
    },

    /** Kept by the hash of the address, so it outlives the address. */
    async optOut(surveyId: string, addressHash: string): Promise<void> {
      const added = await db
        .insertInto('opt_outs')
        .values({ address_hash: addressHash, source: 'link' })
        .onConflict((c) => c.doNothing())
        .executeTakeFirst();
      if (added.numInsertedOrUpdatedRows) await noteEvent(db, surveyId, 'optedOut');
    },
  };
}

type WithdrawnFrom = Pick<Report, 'id' | 'cycle' | 'customerId' | 'serviceProblemId'> & { newId: () => string };

/** A change and its line in the timeline, in one statement; a repeated one changes no row and so leaves no second line. Returns how many. */
export async function change(
  db: Db,
  update: Compilable<{ id: string }>,
  event: SurveyEvent,
  { by, detail }: { by?: string | undefined; detail?: string | undefined } = {},
): Promise<number> {
  const noted = await sql`
    with changed as (${update})
    insert into survey_events (survey_id, event, by, detail)
    select id, ${event}, ${by ?? null}, ${detail ?? null} from changed`.execute(db);
  return Number(noted.numAffectedRows ?? 0);
}

/**
 * Decides, once a report and cycle, whether to ask, and checks again on every retry until the mail is out. The
 * customer's row is locked meanwhile, so that the contact cap is exact however many reports of one customer are closed
 * at the same time.
 */
async function decide(db: Db, candidate: Candidate): Promise<Survey> {
  const { report, cycle, policy, onHold } = candidate;
  const customerId = report.customerId ?? null;
  const now = new Date();
  return db.transaction().execute(async (tx) => {
    await lockCustomer(tx, customerId);
    const reason = skipReason(await sendFacts(tx, candidate), policy) ?? null;
    const decision = reason ? { state: 'skipped' as const, reason } : { state: 'claimed' as const, reason };
    const decided = await tx
      .insertInto('surveys')
      .values({
        id: candidate.newId(),
        report_id: report.id,
        cycle,
        customer_id: customerId,
        service_problem_id: report.serviceProblemId ?? null,
        mailed_at: onHold || reason ? null : now,
        expires_at: new Date(now.getTime() + policy.expiresAfter),
        reopen_until: report.closedAt && new Date(Date.parse(report.closedAt) + candidate.reopenWithin),
        ...decision,
      })
      .onConflict((c) =>
        c.columns(['report_id', 'cycle']).doUpdateSet({
          state: sql`case surveys.state when 'claimed' then excluded.state else surveys.state end`,
          reason: sql`case surveys.state when 'claimed' then excluded.reason else surveys.reason end`,
          mailed_at: sql`coalesce(surveys.mailed_at, excluded.mailed_at)`,
          // Who was asked to confirm may answer from the closing on.
          expires_at: sql`case when surveys.mailed_at is null or surveys.state = 'claimed' and surveys.confirmation is not null
            then excluded.expires_at else surveys.expires_at end`,
          reopen_until: sql`coalesce(excluded.reopen_until, surveys.reopen_until)`,
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow();
    if (policy.perCycle === 'replace' && decided.state === 'claimed') await replaceEarlier(tx, decided);
    return decided;
  });
}

/** Until the transaction ends, nothing else is decided about this customer. */
export async function lockCustomer(tx: Db, id: string | null): Promise<void> {
  if (id === null) return;
  await tx
    .insertInto('customers')
    .values({ id })
    .onConflict((c) => c.doNothing())
    .execute();
  await tx.selectFrom('customers').select('id').where('id', '=', id).forUpdate().execute();
}

/** Policy `replace`: only the newest answer of a report counts. */
async function replaceEarlier(tx: Db, { report_id, cycle }: Survey): Promise<void> {
  await tx
    .updateTable('surveys')
    .set({ state: 'superseded' })
    .where('report_id', '=', report_id)
    .where('cycle', '<', cycle)
    .where('state', 'in', ['sent', 'answered', 'expired'])
    .execute();
}

const asked = sql<boolean>`state not in ('skipped', 'undeliverable')`;

/** All counts in one round trip. */
export async function sendFacts(
  tx: Db,
  { report, cycle, contact, addressHash, policy, sampleBucket, byOperator }: Omit<Candidate, 'onHold'>,
) {
  const since = new Date(Date.now() - (policy.contactCap?.per ?? 0));
  const hash = addressHash ?? '';
  const counts = await sql<{
    status: Report['status'];
    current_cycle: number;
    opted_out: boolean;
    suppressed: boolean;
    to_customer: number;
    for_report: number;
    for_problem: boolean;
  }>`
    select status, cycle as current_cycle,
      exists (select from opt_outs where address_hash = ${hash}) as opted_out,
      exists (select from suppressions where address_hash = ${hash}) as suppressed,
      (select count(*)::int from surveys where customer_id = ${report.customerId ?? null}
        and claimed_at > ${since} and not (report_id = ${report.id} and cycle = ${cycle}) and ${asked}) as to_customer,
      (select count(*)::int from surveys where report_id = ${report.id} and cycle < ${cycle} and ${asked}) as for_report,
      exists (select from surveys where customer_id = ${report.customerId ?? null}
        and service_problem_id = ${report.serviceProblemId ?? null} and report_id <> ${report.id} and ${asked}) as for_problem
    from reports where id = ${report.id}
  `.execute(tx);
  const [count] = counts.rows;
  return {
    status: count?.status ?? report.status,
    isCurrentCycle: count?.current_cycle === cycle,
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
    ...(survey.reopen_until ? { reopenUntil: survey.reopen_until.toISOString() } : {}),
  };
}
