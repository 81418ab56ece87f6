/** Whether customers confirm that the problem is fixed. Stored with the cycle's survey: one row, one link, one page. */
import { sql } from 'kysely';
import type { ConfirmedSignal } from '../../contract/messages.js';
import type { ConfirmationReply, ConfirmationState, Survey } from '../../contract/survey.js';
import { reopenUntil, surveyExpiresAt } from '../../policy/deadlines.js';
import { isEnded } from '../../policy/status.js';
import { skipReason } from '../../policy/survey.js';
import { lockCustomer } from '../customers.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import { eligibilityFacts, type HashAddress, type SurveyRequest } from './decide.js';
import { messageTable, messageFromPage } from './messages.js';
import { mailedTo, noteMailedTo, surveyOfCycle, type SurveyIdOf } from './survey-row.js';
import { changeWithEvent } from './timeline.js';

export interface ConfirmationRequest extends SurveyRequest {
  /** The clearing to be confirmed. */
  clearedAt: Date;
  /** End of the window to confirm. */
  endsAt: Date;
  /** The customer cannot be asked. */
  unreachable: boolean;
}

/** One clearing of one cycle. */
interface AskedClearing {
  reportId: string;
  cycle: number;
  clearedAt: Date;
}

/** The end of a wait for the customer without a reply. `released`: an operator, or a changed policy, does not wait. */
export type Resolution = 'silence' | 'unreachable' | 'released';

export interface Confirmations {
  /** Starts the confirmation of a clearing, once. Also decides whether the survey's question follows a "yes". */
  start(request: ConfirmationRequest): Promise<Survey>;
  /** The relay has accepted the mail. */
  markSent(id: string, kind: 'confirm' | 'warning', addressHash: string): Promise<void>;
  /** The mail never reached the customer, so it is sent again, with a new window. */
  forgetAsked(id: string): Promise<void>;
  /**
   * Stores the customer's first reply, and the reason as a note of the report. With a "yes", it is a message, too: nothing else shows it
   * to an operator. Returns false if the reply is not the first, is too late, or is about an earlier clearing; then nothing was stored.
   */
  record(id: string, reply: ConfirmationReply): Promise<boolean>;
  /** Adds the customer's words to the report as a note. */
  addNote(id: string, text: string): Promise<void>;
  /** Ends the wait for the customer. Returns the survey, with the customer's reply if that was stored first. */
  resolve(clearing: AskedClearing, as: Resolution, why: { by?: string; detail?: string }): Promise<Survey | undefined>;
  /** The reason that the customer of this cycle gave for a "no". */
  reasonOf(reportId: string, cycle: number): Promise<string | undefined>;
}

/** The signal for the report's run. Never holds the reason. */
export function confirmedSignal({ id, confirmFor, confirmation }: Survey): ConfirmedSignal {
  return { surveyId: id, fixed: confirmation === 'yes', clearedAt: confirmFor?.toISOString() };
}

const unanswered = ['queued', 'sent'] as const;

export function confirmationTable(db: Db, hashOf: HashAddress, surveyIdOf: SurveyIdOf): Confirmations {
  return {
    start: (request) => start(db, hashOf, surveyIdOf, request),
    async markSent(id, kind, addressHash) {
      const mark = kind === 'confirm' ? markAsked : markWarned;
      if (!(await mark(db, id, addressHash))) await noteMailedTo(db, id, addressHash);
    },

    async forgetAsked(id) {
      const forgotten = { confirmation: 'queued', mailedAt: null } as const;
      await db.updateTable('surveys').set(forgotten).where('id', '=', id).where('confirmation', '=', 'sent').execute();
    },

    record: (id, reply) =>
      db.transaction().execute(async (tx) => {
        if (await isReportEnded(tx, id)) return false;
        const isStored = await storeReply(tx, id, reply);
        if (!isStored || !reply.reason) return isStored;
        await addNote(tx, id, reply.reason);
        if (reply.fixed) await messageTable(tx).store(messageFromPage(id, reply.reason));
        return true;
      }),

    addNote: (id, text) => addNote(db, id, text),
    resolve: (clearing, as, why) => resolve(db, clearing, as, why),

    async reasonOf(reportId, cycle) {
      const survey = await surveyOfCycle(db, reportId, cycle);
      return (survey?.confirmation === 'no' && survey.confirmReason) || undefined;
    },
  };
}

/** The report's run has acted on the reply of this cycle. */
export async function markConfirmationActedOn(tx: Db, reportId: string, cycle: number): Promise<void> {
  await tx
    .updateTable('surveys')
    .set({ confirmActedOn: true })
    .where('reportId', '=', reportId)
    .where('cycle', '=', cycle)
    .execute();
}

/**
 * The report was reopened or cancelled: nothing is left to confirm. What the customer wrote to a "no" becomes a message, unless it is the
 * `reason` of the change.
 */
export async function withdrawConfirmation(tx: Db, reportId: string, reason?: string): Promise<void> {
  const unheard = tx.selectFrom('surveys').select(['id', 'confirmReason']).where('reportId', '=', reportId);
  const refusals = await unheard.where('confirmation', '=', 'no').where('confirmActedOn', '=', false).execute();
  for (const { id, confirmReason } of refusals)
    if (confirmReason && confirmReason !== reason) await messageTable(tx).store(messageFromPage(id, confirmReason));
  await tx
    .updateTable('surveys')
    .set({
      confirmation: sql<ConfirmationState>`case when confirmation in ('queued', 'sent') then 'withdrawn' else confirmation end`,
      confirmActedOn: true,
    })
    .where('reportId', '=', reportId)
    .where((eb) => eb.or([eb('confirmation', 'in', unanswered), eb('confirmActedOn', '=', false)]))
    .where('confirmation', 'is not', null)
    .execute();
}

async function start(
  db: Db,
  hashOf: HashAddress,
  surveyIdOf: SurveyIdOf,
  request: ConfirmationRequest,
): Promise<Survey> {
  const { report, cycle, brand, question, policy, reopen, clearedAt, endsAt, unreachable } = request;
  const { customerId, serviceProblemId } = report;
  return db.transaction().execute(async (tx) => {
    await lockCustomer(tx, customerId);
    // Decided as if the report were closed already: the page asks the survey's question only after the closing.
    const facts = { ...(await eligibilityFacts(tx, hashOf, request)), status: 'closed' } as const;
    const reason = skipReason(facts, policy, question.cap) ?? null;
    const asked = {
      state: reason ? ('skipped' as const) : ('queued' as const),
      reason,
      mailedAt: unreachable ? null : now(),
      expiresAt: surveyExpiresAt(policy, endsAt),
      reopenUntil: reopenUntil(reopen, endsAt),
      confirmation: unreachable ? ('unreachable' as const) : ('queued' as const),
      confirmFor: clearedAt,
      confirmUntil: endsAt,
      confirmedAt: null,
      warnedAt: null,
      confirmReason: null,
    };
    await tx
      .insertInto('surveys')
      .values({
        id: surveyIdOf(report.id, cycle),
        reportId: report.id,
        cycle,
        customerId,
        serviceProblemId,
        brand,
        questionId: question.id,
        ...asked,
      })
      .onConflict((c) =>
        c
          .columns(['reportId', 'cycle'])
          // A survey that was answered before the report was reopened stays answered.
          .doUpdateSet({
            ...asked,
            state: sql`case when surveys.state in ('queued', 'skipped') then excluded.state else surveys.state end`,
            reason: sql`case when surveys.state in ('queued', 'skipped') then excluded.reason else surveys.reason end`,
          })
          .where((eb) =>
            eb.or([
              eb('surveys.confirmFor', 'is distinct from', clearedAt),
              eb('surveys.confirmation', '=', 'withdrawn'),
              // It came back, or could not be sent for a long time, so the window it states would be wrong.
              eb.and([
                eb('surveys.confirmation', '=', 'queued'),
                eb('surveys.mailedAt', 'is', null).or('surveys.mailedAt', '<', sql<Date>`now() - interval '1 hour'`),
              ]),
            ]),
          ),
      )
      .execute();
    return (await surveyOfCycle(tx, report.id, cycle)) as Survey;
  });
}

async function markAsked(db: Db, id: string, addressHash: string): Promise<boolean> {
  const update = db
    .updateTable('surveys')
    .set({ confirmation: 'sent', ...mailedTo(addressHash) })
    .where('id', '=', id)
    .where('confirmation', '=', 'queued')
    .returning('id');
  return (await changeWithEvent(db, update, 'confirmAsked')) > 0;
}

async function markWarned(db: Db, id: string, addressHash: string): Promise<boolean> {
  const update = db
    .updateTable('surveys')
    .set({ warnedAt: now(), ...mailedTo(addressHash) })
    .where('id', '=', id)
    .where('warnedAt', 'is', null)
    .where('confirmation', 'in', unanswered)
    .returning('id');
  return (await changeWithEvent(db, update, 'confirmWarned')) > 0;
}

async function storeReply(tx: Db, id: string, { clearedAt, fixed, reason }: ConfirmationReply): Promise<boolean> {
  const update = tx
    .updateTable('surveys')
    .set({
      confirmation: fixed ? 'yes' : 'no',
      confirmedAt: now(),
      confirmReason: reason || null,
      confirmActedOn: false,
    })
    .where('id', '=', id)
    .where('confirmFor', '=', clearedAt)
    .where('confirmation', 'in', unanswered)
    .returning('id');
  return (await changeWithEvent(tx, update, fixed ? 'confirmed' : 'refused')) > 0;
}

async function resolve(
  db: Db,
  { reportId, cycle, clearedAt }: AskedClearing,
  as: Resolution,
  why: { by?: string; detail?: string },
): Promise<Survey | undefined> {
  // If the relay never accepted the mail, the customer was not asked, and the mail's date must not be kept.
  const wasAsked = sql<boolean>`confirmation = 'sent'`;
  const update = db
    .updateTable('surveys')
    .set({
      confirmation: sql<Resolution>`case when ${wasAsked} then ${as} else 'unreachable' end`,
      mailedAt: sql`case when ${wasAsked} then mailed_at end`,
    })
    .where('reportId', '=', reportId)
    .where('cycle', '=', cycle)
    .where('confirmFor', '=', clearedAt)
    .where('confirmation', 'in', unanswered)
    .returning('id');
  await changeWithEvent(db, update, as, why);
  const survey = await surveyOfCycle(db, reportId, cycle);
  return survey?.confirmFor?.getTime() === clearedAt.getTime() ? survey : undefined;
}

/** Locks the survey's report, so that it stays as it is until the transaction ends. */
async function isReportEnded(tx: Db, surveyId: string): Promise<boolean> {
  const ofSurvey = tx.selectFrom('surveys').select('reportId').where('id', '=', surveyId);
  const row = await tx.selectFrom('reports').select('status').where('id', '=', ofSurvey).forUpdate().executeTakeFirst();
  return row === undefined || isEnded(row.status);
}

/** A link may be posted to again and again, and every list reads the notes of its reports. */
const maxNotes = 100;

/** Adds a note as TMF621 has them. The same note is added only once. */
async function addNote(db: Db, surveyId: string, text: string): Promise<void> {
  const same = JSON.stringify([{ author: 'customer', text }]);
  const note = JSON.stringify([{ author: 'customer', date: now().toISOString(), text }]);
  await sql`
    update reports set last_update = now(),
      document = jsonb_set(document, '{note}', coalesce(document -> 'note', '[]'::jsonb) || ${note}::jsonb)
    where id = (select report_id from surveys where id = ${surveyId})
      and jsonb_array_length(coalesce(document -> 'note', '[]'::jsonb)) < ${maxNotes}
      and not coalesce(document -> 'note', '[]'::jsonb) @> ${same}::jsonb`.execute(db);
}
