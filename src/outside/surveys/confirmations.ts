/** Whether customers say that it is fixed. Kept with the survey of the cycle: one row, one link, one page. */
import { sql } from 'kysely';
import type { ConfirmedSignal } from '../../contract/messages.js';
import { skipReason } from '../../policy/survey.js';
import type { Db } from '../database/database.js';
import { change, lockCustomer, sendFacts, surveyOfCycle, type Candidate, type Survey } from './surveys.js';

export interface Asking {
  /** The clearing to be confirmed. */
  clearedAt: Date;
  /** Until when, in the customer's business time. */
  until: Date;
  /** Nobody can be asked. */
  unreachable: boolean;
}

/** Which clearing of which cycle. */
export interface Clearing {
  reportId: string;
  cycle: number;
  clearedAt: Date;
}

export interface Said {
  clearedAt: Date;
  fixed: boolean;
  reason?: string;
}

export type Confirmations = ReturnType<typeof confirmationTable>;

/** What the report's run is told: never the reason. */
export function toConfirmed({ id, confirm_for: clearedAt, confirmation }: Survey): ConfirmedSignal {
  return { surveyId: id, fixed: confirmation === 'yes', ...(clearedAt ? { clearedAt: clearedAt.toISOString() } : {}) };
}

/** How waiting ends without a word; `released`: an operator did not want to wait. */
type Settled = 'silence' | 'unreachable' | 'released';

/** Nothing was said yet, and nothing has ended it. */
const isOpen = ['claimed', 'sent'] as const;

export function confirmationTable(db: Db) {
  return {
    /** Begins to ask about a clearing, once; whether the survey's question follows a "yes" is decided now as well. */
    claim: (candidate: Omit<Candidate, 'onHold'>, asking: Asking) => claim(db, candidate, asking),

    /** The relay has taken the mail. */
    async markSent(id: string, kind: 'confirm' | 'warning'): Promise<void> {
      const update = db.updateTable('surveys').where('id', '=', id);
      if (kind === 'confirm')
        await change(
          db,
          update.set({ confirmation: 'sent' }).where('confirmation', '=', 'claimed').returning('id'),
          'confirmAsked',
        );
      else
        await change(
          db,
          update
            .set({ warned_at: new Date() })
            .where('warned_at', 'is', null)
            .where('confirmation', 'in', isOpen)
            .returning('id'),
          'confirmWarned',
        );
    },

    /**
     * Stores what the customer says, and the words as a note of the report. A "no" may be said again with other words. False: it is
     * too late, or about an earlier clearing; nothing was stored.
     */
    async say(id: string, { clearedAt, fixed, reason }: Said): Promise<boolean> {
      return db.transaction().execute(async (tx) => {
        if (await isEnded(tx, id)) return false;
        const update = tx
          .updateTable('surveys')
          .set({
            confirmation: fixed ? 'yes' : 'no',
            confirmed_at: new Date(),
            confirm_reason: reason || null,
            confirm_told: false,
          })
          .where('id', '=', id)
          .where('confirm_for', '=', clearedAt)
          .where((eb) =>
            eb.or([
              eb('confirmation', 'in', isOpen),
              eb.and([
                eb('confirmation', '=', 'no'),
                eb.val(!fixed && !!reason),
                eb('confirm_reason', 'is distinct from', reason ?? null),
              ]),
            ]),
          )
          .returning('id');
        const isStored = (await change(tx, update, fixed ? 'confirmed' : 'refused')) > 0;
        if (isStored && reason) await addNote(tx, id, reason);
        return isStored;
      });
    },

    /** Words that came too late for anything else: a note of the report. */
    note: (id: string, text: string) => addNote(db, id, text),

    /** Ends the waiting. Returns what then stands: what the customer said meanwhile comes first. */
    async settle({ reportId, cycle, clearedAt }: Clearing, as: Settled, by?: string): Promise<Survey | undefined> {
      // Whose mail was never taken was not asked, and its Date is not one.
      const wasAsked = sql<boolean>`confirmation = 'sent'`;
      const update = db
        .updateTable('surveys')
        .set({
          confirmation: sql<Settled>`case when ${wasAsked} then ${as} else 'unreachable' end`,
          mailed_at: sql`case when ${wasAsked} then mailed_at end`,
        })
        .where('report_id', '=', reportId)
        .where('cycle', '=', cycle)
        .where('confirm_for', '=', clearedAt)
        .where('confirmation', 'in', isOpen)
        .returning('id');
      await change(db, update, as, { by });
      const survey = await surveyOfCycle(db, reportId, cycle);
      return survey?.confirm_for?.getTime() === clearedAt.getTime() ? survey : undefined;
    },

    /** The report was opened again or cancelled then: there is nothing to confirm any more. ISO 8601. */
    async withdraw(reportId: string, at: string): Promise<void> {
      await db
        .updateTable('surveys')
        .set({ confirmation: 'withdrawn' })
        .where('report_id', '=', reportId)
        .where('confirm_for', '<=', new Date(at))
        .where('confirmation', 'in', isOpen)
        .execute();
    },

    /** Why the customer of this cycle says that it is not fixed. */
    async reasonOf(reportId: string, cycle: number): Promise<string | undefined> {
      const survey = await surveyOfCycle(db, reportId, cycle);
      return (survey?.confirmation === 'no' && survey.confirm_reason) || undefined;
    },

    /** Whose run was not told what the customer says. */
    untold: (limit: number) =>
      db
        .selectFrom('surveys')
        .selectAll()
        .where('confirmed_at', 'is not', null)
        .where('confirm_told', '=', false)
        .limit(limit)
        .execute(),

    /** The report's run knows what was said of this clearing. */
    async told({ id, confirm_for: clearedAt }: Survey): Promise<void> {
      await db
        .updateTable('surveys')
        .set({ confirm_told: true })
        .where('id', '=', id)
        .where('confirm_for', '=', clearedAt)
        .execute();
    },
  };
}

/** The report of this survey is closed or cancelled; else it stays as it is until the transaction ends. */
async function isEnded(tx: Db, surveyId: string): Promise<boolean> {
  const ofSurvey = tx.selectFrom('surveys').select('report_id').where('id', '=', surveyId);
  const row = await tx.selectFrom('reports').select('status').where('id', '=', ofSurvey).forUpdate().executeTakeFirst();
  return row === undefined || ['closed', 'cancelled', 'rejected'].includes(row.status);
}

/** As TMF621 has them: added, never replaced, and the same only once. */
async function addNote(db: Db, surveyId: string, text: string): Promise<void> {
  const same = JSON.stringify([{ author: 'customer', text }]);
  const note = JSON.stringify([{ author: 'customer', date: new Date().toISOString(), text }]);
  await sql`
    update reports set last_update = now(),
      document = jsonb_set(document, '{note}', coalesce(document -> 'note', '[]'::jsonb) || ${note}::jsonb)
    where id = (select report_id from surveys where id = ${surveyId})
      and not coalesce(document -> 'note', '[]'::jsonb) @> ${same}::jsonb`.execute(db);
}

async function claim(
  db: Db,
  candidate: Omit<Candidate, 'onHold'>,
  { clearedAt, until, unreachable }: Asking,
): Promise<Survey> {
  const { report, cycle, policy } = candidate;
  const customerId = report.customerId ?? null;
  return db.transaction().execute(async (tx) => {
    await lockCustomer(tx, customerId);
    // As if it were closed already: the question is put on the page, and asked only once it is.
    const reason = skipReason({ ...(await sendFacts(tx, candidate)), status: 'closed' }, policy) ?? null;
    const asked = {
      ...(reason ? { state: 'skipped' as const, reason } : { state: 'claimed' as const, reason }),
      mailed_at: unreachable ? null : new Date(),
      expires_at: new Date(until.getTime() + policy.expiresAfter),
      reopen_until: new Date(until.getTime() + candidate.reopenWithin),
      ...{ confirmation: unreachable ? ('unreachable' as const) : ('claimed' as const) },
      ...{ confirm_for: clearedAt, confirm_until: until, confirmed_at: null, warned_at: null, confirm_reason: null },
    };
    const begun = { id: candidate.newId(), report_id: report.id, cycle, customer_id: customerId };
    await tx
      .insertInto('surveys')
      .values({ ...begun, service_problem_id: report.serviceProblemId ?? null, ...asked })
      .onConflict((c) =>
        c
          .columns(['report_id', 'cycle'])
          // What was answered before the report was opened again stays answered.
          .doUpdateSet({
            ...asked,
            state: sql`case when surveys.state in ('claimed', 'skipped') then excluded.state else surveys.state end`,
            reason: sql`case when surveys.state in ('claimed', 'skipped') then excluded.reason else surveys.reason end`,
          })
          .where((eb) =>
            eb.or([
              eb('surveys.confirm_for', 'is distinct from', clearedAt),
              eb('surveys.confirmation', '=', 'withdrawn'),
              // Could not be mailed for long: what the mail says of the window would no longer be true.
              eb.and([
                eb('surveys.confirmation', '=', 'claimed'),
                eb('surveys.mailed_at', '<', sql<Date>`now() - interval '1 hour'`),
              ]),
            ]),
          ),
      )
      .execute();
    return (await surveyOfCycle(tx, report.id, cycle)) as Survey;
  });
}
