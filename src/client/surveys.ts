/** The client's side of surveys: answers, what customers write back, opt-outs, and what operators do about them. */
import { randomBytes } from 'node:crypto';
import { CloseoutError } from '../contract/errors.js';
import { signals } from '../contract/messages.js';
import type { SurveyRecord } from '../contract/reports.js';
import { answerTable, toSignal, type Answer, type StoredAnswer } from '../outside/surveys/answers.js';
import { confirmationTable, toConfirmed, type Said } from '../outside/surveys/confirmations.js';
import type { Db } from '../outside/database/database.js';
import type { ReportsPort } from '../outside/reports/port.js';
import { surveyTable, toRecord, type Survey } from '../outside/surveys/surveys.js';
import { isBadAddress } from '../policy/survey.js';
import type { Runs } from '../outside/temporal/runs.js';
import { hashAddress } from '../outside/surveys/addresses.js';
import type { IncomingMail } from '../customer/incoming-mail.js';

export type SurveyDesk = ReturnType<typeof surveyDesk>;

/** What became of a mail that came in. */
export type Received = 'bounce' | 'delay' | 'automatic' | 'reply';

export function surveyDesk(db: Db, reports: ReportsPort, runs: Runs, addressKey: Buffer) {
  const surveys = surveyTable(db);
  const answers = answerTable(db);
  const confirmations = confirmationTable(db);

  const hashOf = async (survey: Survey): Promise<string | undefined> => {
    const contact = await reports.contactOf(survey.report_id);
    return contact?.emailAddress && hashAddress(contact.emailAddress, addressKey);
  };

  return {
    find: surveys.find,
    ofCycle: surveys.ofCycle,
    ofReport: surveys.ofReport,
    answerOf: answers.of,
    revisionsOf: answers.revisionsOf,
    messagesOf: answers.messagesOf,
    timelineOf: surveys.timelineOf,

    /** What became of the survey of the report's current cycle; `none` while undecided. */
    async currentOf(reportId: string): Promise<SurveyRecord> {
      const { cycle } = await reports.get(reportId);
      const survey = await surveys.ofCycle(reportId, cycle);
      return survey ? toRecord(survey) : { state: 'none' };
    },

    /** Stores the answer to an open survey, or its change, then tells the run. Undefined: too late, nothing was stored. */
    async answer(surveyId: string, answer: Answer): Promise<StoredAnswer | undefined> {
      const stored = await answers.store(surveyId, answer);
      const survey = stored && (await surveys.find(surveyId));
      if (!survey || stored.told_revision >= stored.revision) return stored;
      await runs.signal(await reports.get(survey.report_id), signals.answered, toSignal(stored));
      await answers.told(surveyId, stored.revision);
      return stored;
    },

    /** Stores whether the customer says that it is fixed, then tells the run. False: too late, nothing was stored. */
    async confirm(surveyId: string, said: Said): Promise<boolean> {
      const isStored = await confirmations.say(surveyId, said);
      const survey = await surveys.find(surveyId);
      if (!survey?.confirmed_at || survey.confirm_told) return isStored;
      await runs.signal(await reports.get(survey.report_id), signals.confirmed, toConfirmed(survey));
      await confirmations.told(survey);
      return isStored;
    },

    /** Words that a customer typed where nothing else takes them: a note of the report. */
    keepWords: (surveyId: string, words: string): Promise<void> => confirmations.note(surveyId, words),

    /** The address of this survey is not asked again. */
    async optOut(survey: Survey): Promise<void> {
      const hash = await hashOf(survey);
      if (hash) await surveys.optOut(survey.id, hash);
    },

    /** Heeds a mail that came in. Safe to repeat. Throws `NotFound` where a person wrote about no survey of ours. */
    async receive(mail: IncomingMail): Promise<Received> {
      const survey = mail.surveyId === undefined ? undefined : await surveys.find(mail.surveyId);
      if (!survey) {
        if (mail.kind !== 'reply') return 'automatic';
        throw new CloseoutError('NotFound', 'This mail answers no survey of ours, so nobody was told.');
      }
      switch (mail.kind) {
        case 'automatic':
          await surveys.noteOnce(survey.id, 'automaticReply', mail.id);
          return 'automatic';
        case 'delay':
          await surveys.noteOnce(survey.id, 'delayed', mail.status);
          return 'delay';
        case 'bounce':
          return bounced(survey, mail);
        case 'reply':
          return wroteBack(survey, mail);
      }
    },

    /** Mails the customer what an operator wrote, in the thread of the survey. Throws `StatusConflict` where nobody can be written to. */
    async reply(reportId: string, text: string, by: string): Promise<void> {
      if (!text.trim()) throw new CloseoutError('BadInput', 'text is empty.', 'text');
      await reports.get(reportId);
      const survey = (await surveys.ofReport(reportId)).filter(({ mailed_at }) => mailed_at).at(-1);
      if (!survey) throw new CloseoutError('StatusConflict', `The customer of report ${reportId} was never asked.`);
      if (!(await hashOf(survey))) throw new CloseoutError('StatusConflict', `Report ${reportId} has no address.`);
      const id = randomBytes(12).toString('base64url');
      await answers.keepMessage({ id, survey_id: survey.id, direction: 'out', author: by, text });
      await runs.reply(id);
    },
  };

  /** The report stays closed; only an address that does not exist is not written to again. */
  async function bounced(
    survey: Survey,
    { status, recipients }: IncomingMail & { kind: 'bounce' | 'delay' },
  ): Promise<Received> {
    const hash = await hashOf(survey);
    // Somebody it was forwarded to may be gone; that is not the customer's address.
    const isOurs = recipients.length === 0 || recipients.some((address) => hashAddress(address, addressKey) === hash);
    if (isBadAddress(status) && hash && isOurs) await surveys.suppress(hash, status, 'dsn');
    await surveys.noteOnce(survey.id, 'bounced', status);
    const isWaiting = survey.state === 'sent' || survey.state === 'claimed' || survey.confirmation === 'sent';
    if (!isWaiting) return 'bounce';
    await runs.signal(await reports.get(survey.report_id), signals.bounced, { surveyId: survey.id, reason: status });
    return 'bounce';
  }

  /** Kept with the report before anybody is told of it; the status of the report is for the operator to change. */
  async function wroteBack(
    survey: Survey,
    { id, messageId, from, text }: IncomingMail & { kind: 'reply' },
  ): Promise<Received> {
    const isCustomer = from !== undefined && hashAddress(from, addressKey) === (await hashOf(survey));
    const author = isCustomer ? null : 'another address';
    const kept = { id, survey_id: survey.id, direction: 'in' as const, message_id: messageId ?? null, author, text };
    if (await answers.keepMessage(kept)) await surveys.note(survey.id, 'wroteBack');
    // Who writes is not silent: nothing is closed before an operator has read it.
    if (survey.confirmation === 'sent')
      await runs.update('hold', survey.report_id, { by: 'customer wrote back' }).catch(isRefused);
    await runs.alert({ kind: 'message', messageId: id });
    return 'reply';
  }
}

/** The run went on by itself meanwhile, or ended: nothing to ask of it. */
export function isRefused(error: unknown): false {
  if (error instanceof CloseoutError && (error.code === 'StatusConflict' || error.code === 'NoRun')) return false;
  throw error;
}
