/** Decides whether a report's customer is asked, once per cycle. */
import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import { noReport } from '../../contract/errors.js';
import type { Report } from '../../contract/reports.js';
import type { Survey } from '../../contract/survey.js';
import { reopenUntil, surveyExpiresAt } from '../../policy/deadlines.js';
import type { Question } from '../../policy/questions.js';
import type { Policy } from '../../policy/settings.js';
import { sampleBucketOf, skipReason, type EligibilityFacts } from '../../policy/survey.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import { toContact, toReport, type ReportRow } from '../reports/row-mapping.js';
import type { SurveyIdOf } from './survey-row.js';
import { later } from '../../policy/time.js';

export interface SurveyRequest {
  report: Report;
  cycle: number;
  contact: Contact | undefined;
  brand: string | null;
  question: Question & { id: number };
  policy: Policy['survey'];
  reopen: Policy['reopen'];
  /** An operator does not want the customer to be asked. */
  byOperator: boolean;
}

export interface SurveyDecisionRequest extends Omit<SurveyRequest, 'report' | 'contact'> {
  reportId: string;
  /** The mail was sent before. */
  isSentAgain: boolean;
  /** Until when the customer's quiet hours postpone the mail. */
  quietUntil: (contact: Contact | undefined) => Date | undefined;
}

export interface SurveyDecision {
  survey: Survey;
  report: Report;
  contact: Contact | undefined;
  /** To be sent, but not before then. */
  postponedUntil: Date | undefined;
}

export type HashAddress = (address: string) => string;

/**
 * Checks again on every attempt until the mail is out. Decides nothing, and returns undefined, if the report is not closed in this cycle:
 * its run has to look again, because the database was restored or another program has reopened the report. If the decision depends on
 * other reports of the customer, the customer's row stays locked meanwhile, so that a cap is exact even if many of them are closed at the
 * same time.
 */
export async function decideSurvey(
  db: Db,
  hashOf: HashAddress,
  surveyIdOf: SurveyIdOf,
  request: SurveyDecisionRequest,
): Promise<SurveyDecision | undefined> {
  const { reportId, policy, question } = request;
  const decide = (tx: Db, about: About) => decideAbout(tx, hashOf, surveyIdOf, request, about);
  const isCapped = policy.contactCap !== null || question.cap !== null;
  const about = isCapped ? undefined : await readReport(db, reportId);
  if (about && about.report.serviceProblemId === undefined) return decide(db, about);
  return db.transaction().execute(async (tx) => decide(tx, await readReport(tx, reportId, lockingCustomer)));
}

type About = Pick<SurveyDecision, 'report' | 'contact'>;

async function decideAbout(
  tx: Db,
  hashOf: HashAddress,
  surveyIdOf: SurveyIdOf,
  request: SurveyDecisionRequest,
  { report, contact }: About,
): Promise<SurveyDecision | undefined> {
  const { cycle, brand, question, policy, reopen, isSentAgain } = request;
  const { id: reportId, customerId, serviceProblemId, closedAt } = report;
  const decidedAt = now();
  const postponedUntil = request.quietUntil(contact);
  const isPostponed = postponedUntil !== undefined;
  const facts = await eligibilityFacts(tx, hashOf, { ...request, report, contact });
  const reason = skipReason(facts, policy, question.cap) ?? null;
  if (reason === 'reopened') return undefined;
  const decided = await tx
    .insertInto('surveys')
    .values({
      id: surveyIdOf(reportId, cycle),
      reportId,
      cycle,
      customerId,
      serviceProblemId,
      brand,
      questionId: question.id,
      // One that could not be delivered stays so, and can be sent again later.
      state: reason ? (isSentAgain ? 'undeliverable' : 'skipped') : 'queued',
      reason,
      mailedAt: isPostponed || reason ? null : decidedAt,
      expiresAt: surveyExpiresAt(policy, decidedAt),
      reopenUntil: closedAt && reopenUntil(reopen, new Date(closedAt)),
    })
    .onConflict((c) =>
      c.columns(['reportId', 'cycle']).doUpdateSet({
        state: sql`case when ${isUndecided} then excluded.state else surveys.state end`,
        reason: sql`case when ${isUndecided} then excluded.reason else surveys.reason end`,
        confirmation: sql`case when ${isOfEarlierClearing} then 'withdrawn' else surveys.confirmation end`,
        mailedAt: sql`case when ${isOfEarlierClearing} then excluded.mailed_at
          else coalesce(surveys.mailed_at, excluded.mailed_at) end`,
        // A customer who was asked to confirm can answer from the closing on.
        expiresAt: sql`case when surveys.mailed_at is null or surveys.state = 'queued' and surveys.confirmation is not null
          then excluded.expires_at else surveys.expires_at end`,
        reopenUntil: sql`coalesce(excluded.reopen_until, surveys.reopen_until)`,
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return { survey: decided, report, contact, postponedUntil };
}

/** It is not sent yet, or was skipped because its customer could not be asked to confirm, which may have been corrected since. */
const isUndecided = sql`(surveys.state = 'queued' or surveys.state = 'skipped' and surveys.confirmation = 'unreachable')`;

/** The customer, or nobody, confirmed a clearing before the report was reopened in the same cycle; about this one, nobody was asked. */
const isOfEarlierClearing = sql`(surveys.confirmation in ('yes', 'no', 'silence', 'released') and surveys.confirm_for <>
  (select cleared_at from reports where reports.id = surveys.report_id))`;

/** What is counted about the customer afterwards cannot change until the transaction ends. */
const lockingCustomer = sql`left join lateral (select id from customers where id = r.customer_id for no key update) as locked on true`;

/** In one statement. */
async function readReport(tx: Db, reportId: string, joined: RawBuilder<unknown> = sql``): Promise<About> {
  const { rows } = await sql<ReportRow & { contact: Selectable<Database['contacts']> | null }>`
    select r.*, case when c.report_id is not null then json_build_object('reportId', c.report_id, 'name', c.name,
      'emailAddress', c.email_address, 'preferredLanguage', c.preferred_language, 'timeZone', c.time_zone,
      'attributes', c.attributes) end as contact
    from reports r left join contacts c on c.report_id = r.id ${joined}
    where r.id = ${reportId}`.execute(tx);
  const [row] = rows;
  if (!row) throw noReport(reportId);
  return { report: toReport(row), contact: row.contact ? toContact(row.contact) : undefined };
}

type Counted = Pick<
  EligibilityFacts,
  | 'status'
  | 'optedOut'
  | 'suppressed'
  | 'sentToCustomer'
  | 'askedTheQuestion'
  | 'sentForReport'
  | 'askedForServiceProblem'
> & { currentCycle: number; firstCycle: number };

/** A survey that waited behind a confirmation was asked when the report was closed, and never if it was not. */
const wasAsked = sql<boolean>`(state not in ('skipped', 'undeliverable')
  and not (state = 'queued' and coalesce(confirmation, '') in ('no', 'withdrawn')))`;
const askedAt = sql`coalesce(sent_at, decided_at)`;

/** Counts everything in one round trip. */
export async function eligibilityFacts(
  tx: Db,
  hashOf: HashAddress,
  { report, cycle, contact, question, policy, byOperator }: SurveyRequest,
): Promise<EligibilityFacts> {
  const { id, customerId = null, serviceProblemId = null } = report;
  const since = later(now(), -(policy.contactCap?.per ?? 0));
  const sinceQuestion = later(now(), -(question.cap?.per ?? 0));
  const address = contact?.emailAddress;
  const hash = address === undefined ? '' : hashOf(address);
  const { rows } = await sql<Counted>`
    select status, cycle as current_cycle, first_cycle,
      exists (select from opt_outs where address_hash = ${hash}) as opted_out,
      exists (select from suppressions where address_hash = ${hash}) as suppressed,
      (select count(*)::int from surveys where customer_id = ${customerId} and ${askedAt} > ${since}
        and not (report_id = ${id} and cycle = ${cycle}) and ${wasAsked}) as sent_to_customer,
      (select count(*)::int from surveys where customer_id = ${customerId} and ${askedAt} > ${sinceQuestion}
        and question_id in (select id from questions where name = ${question.name})
        and not (report_id = ${id} and cycle = ${cycle}) and ${wasAsked}) as asked_the_question,
      (select count(*)::int from surveys where report_id = ${id} and cycle < ${cycle} and ${wasAsked}) as sent_for_report,
      exists (select from surveys where customer_id = ${customerId} and service_problem_id = ${serviceProblemId}
        and report_id <> ${id} and ${wasAsked}) as asked_for_service_problem
    from reports where id = ${id}
  `.execute(tx);
  const { currentCycle, firstCycle, ...counted } = rows[0] as Counted; // the report exists: foreign keys refer to it
  return {
    ...counted,
    suppressed: counted.suppressed && policy.channel === 'mail',
    isCurrentCycle: currentCycle === cycle,
    isRecleared: cycle > firstCycle,
    // Another channel has addresses of its own.
    hasAddress: address !== undefined || policy.channel === 'handover',
    sampleBucket: sampleBucketOf(id),
    byOperator,
  };
}
