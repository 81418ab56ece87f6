/** The client's operations on surveys: answers, confirmations, opt-outs, replies. */
import { createHash, randomBytes } from 'node:crypto';
import { CloseoutError } from '../contract/errors.js';
import { signals, type DeliverySignal } from '../contract/messages.js';
import type { AskedQuestion } from '../contract/question.js';
import {
  maxCommentLength,
  type Answer,
  type ConfirmationReply,
  type StoredAnswer,
  type Survey,
  type SurveyRecord,
} from '../contract/survey.js';
import { now } from '../outside/database/clock.js';
import type { Stores } from '../outside/stores.js';
import { answeredSignal } from '../outside/surveys/answers.js';
import { confirmedSignal } from '../outside/surveys/confirmations.js';
import { messageFromPage } from '../outside/surveys/messages.js';
import type { OptOutSource } from '../outside/surveys/do-not-contact.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import { reopenedSignal } from '../outside/unsent.js';
import type { Runs } from '../outside/temporal/runs.js';
import { ignoreUnavailable } from './errors.js';

/** The most messages that are accepted through the link of one survey. */
const maxNotes = 20;

export class SurveyService {
  constructor(
    private readonly stores: Stores,
    private readonly runs: Runs,
  ) {}

  find(id: string): Promise<Survey | undefined> {
    return this.stores.surveys.find(id);
  }

  ofCycle(reportId: string, cycle: number): Promise<Survey | undefined> {
    return this.stores.surveys.ofCycle(reportId, cycle);
  }

  /** One per cycle, oldest first. */
  ofReport(reportId: string): Promise<Survey[]> {
    return this.stores.surveys.ofReport(reportId);
  }

  answerOf(surveyId: string): Promise<StoredAnswer | undefined> {
    return this.stores.answers.of(surveyId);
  }

  questionOf({ questionId }: Survey): Promise<AskedQuestion> {
    return this.stores.questions.of(questionId);
  }

  /** The survey of the report's current cycle; `none` while it is not decided. Throws `ReportNotFound`. */
  async currentOf(reportId: string): Promise<SurveyRecord> {
    const { cycle } = await this.stores.reports.get(reportId);
    const survey = await this.ofCycle(reportId, cycle);
    return survey ? surveyRecord(survey) : { state: 'none' };
  }

  /**
   * Stores the answer to an open survey, or a change of it, then signals the run. If Temporal is unavailable, the sweep does. Returns undefined
   * if it is too late; nothing is stored then.
   */
  async answer(surveyId: string, answer: Answer): Promise<StoredAnswer | undefined> {
    const { answers, reports } = this.stores;
    const stored = await answers.store(surveyId, answer);
    const survey = stored && (await this.find(surveyId));
    if (!survey || stored.actedOnRevision >= stored.revision) return stored;
    const report = await reports.get(survey.reportId);
    await this.runs.signalStored(report, signals.answered, answeredSignal(stored));
    return stored;
  }

  /** Stores whether the customer says that the problem is fixed, then signals the run, as `answer` does. Returns false if it is too late. */
  async confirm(surveyId: string, reply: ConfirmationReply): Promise<boolean> {
    const { confirmations, reports } = this.stores;
    const isStored = await confirmations.record(surveyId, reply);
    const survey = await this.find(surveyId);
    if (survey?.confirmedAt && !survey.confirmActedOn) {
      const report = await reports.get(survey.reportId);
      await this.runs.signalStored(report, signals.confirmed, confirmedSignal(survey));
    }
    // The words of a "no" become the reason of the reopening.
    if (isStored && reply.fixed && reply.reason)
      await this.alertToMessage(messageFromPage(surveyId, reply.reason).id).catch(ignoreUnavailable);
    return isStored;
  }

  /**
   * Too late for an answer: stores that the problem is not solved, then signals the run, as `answer` does, which reopens the report.
   * If that is under way already, other words become a note. Safe to repeat.
   */
  async notSolved(survey: Survey, reason?: string): Promise<void> {
    const { id: surveyId, reportId, confirmFor } = survey;
    const { reports, unsent } = this.stores;
    const report = await reports.get(reportId);
    // The same report may be cleared, and found not solved, more than once in a cycle.
    const said = `${surveyId} ${confirmFor?.toISOString()} not solved ${reason}`;
    const id = createHash('sha256').update(said).digest('base64url').slice(0, 22);
    if (await unsent.isReopening(reportId, id)) return reason ? this.addNote(survey, reason) : undefined;
    if (reason) await reports.addReason(reportId, id, reason);
    const reopening = { id, reportId, hasReason: reason !== undefined, receivedAt: now() };
    await unsent.storeReopening(reopening);
    await this.runs.signalStored(report, signals.reopened, reopenedSignal(reopening));
  }

  /** A customer said that the problem is not solved, and the run has not reopened the report yet. */
  isReopening(reportId: string): Promise<boolean> {
    return this.stores.unsent.isReopening(reportId);
  }

  /** Another channel has delivered a survey that was handed over to it. Throws `NotFound`. Safe to repeat. */
  delivered(surveyId: string): Promise<void> {
    return this.signalDelivery(signals.delivered, { surveyId });
  }

  /** Another channel could not deliver it. `reason`: a code. Throws `NotFound`. Safe to repeat. */
  notDelivered(surveyId: string, reason?: string): Promise<void> {
    return this.signalDelivery(signals.failed, { surveyId, reason });
  }

  private async signalDelivery(signal: string, payload: DeliverySignal & { surveyId: string }): Promise<void> {
    const survey = await this.find(payload.surveyId);
    if (!survey) throw new CloseoutError('NotFound', `There is no survey ${payload.surveyId}.`, 'surveyId');
    // Said late, it changes nothing, and must not start a run.
    if (survey.state !== 'queued') return;
    await this.runs.signal(await this.stores.reports.get(survey.reportId), signal, payload);
  }

  /** Words that no form accepts any more become a note, and a message to which an operator is alerted. Safe to repeat. */
  async addNote({ id: surveyId }: Survey, typed: string): Promise<void> {
    const { confirmations, messages } = this.stores;
    const text = Array.from(typed).slice(0, maxCommentLength).join('');
    const message = messageFromPage(surveyId, text);
    // Each is a mail to an operator, and a link is valid for years.
    const notes = (await messages.ofSurvey(surveyId)).filter(
      ({ direction, messageId }) => direction === 'in' && messageId === null,
    );
    if (notes.length >= maxNotes && !notes.some(({ id }) => id === message.id))
      throw new CloseoutError('LimitReached', `At most ${maxNotes} messages are accepted through one link.`);
    await confirmations.addNote(surveyId, text);
    await messages.store(message);
    await this.alertToMessage(message.id).catch(ignoreUnavailable);
  }

  /** Alerts an operator to what a customer wrote, once. If Temporal is unavailable, the sweep does. */
  async alertToMessage(storedMessageId: string): Promise<void> {
    await this.runs.alert({ kind: 'message', storedMessageId });
    await this.stores.messages.markBegun(storedMessageId);
  }

  /** The address that this survey was mailed to receives no more surveys. Throws `NotFound` if it is not known. Safe to repeat. */
  async optOut(survey: Survey, source: OptOutSource = 'link'): Promise<void> {
    await this.stores.doNotContact.optOut(survey, await this.mailedTo(survey), source);
  }

  /** The customer wants surveys after all. Throws `NotFound` if the address is not known. Safe to repeat. */
  async undoOptOut(survey: Survey): Promise<void> {
    await this.stores.doNotContact.undoOptOut(survey, await this.mailedTo(survey));
  }

  /**
   * Mails an operator's reply to the customer, in the thread of the survey. The same `id` is mailed once; if Temporal is unavailable,
   * the sweep sends it. Throws `StatusConflict` if it is impossible.
   */
  async reply(reportId: string, text: string, by: string, id = randomBytes(12).toString('base64url')): Promise<void> {
    if (!text.trim()) throw new CloseoutError('BadInput', 'text is empty.', 'text');
    await this.stores.reports.get(reportId);
    const survey = (await this.ofReport(reportId)).filter(({ mailedAt }) => mailedAt).at(-1);
    if (!survey) throw new CloseoutError('StatusConflict', `The customer of report ${reportId} was never asked.`);
    if ((await this.stores.reports.contactOf(reportId))?.emailAddress === undefined)
      throw new CloseoutError('StatusConflict', `Report ${reportId} has no address.`);
    const { messages } = this.stores;
    const isNew = await messages.store({ id, surveyId: survey.id, direction: 'out', author: by, text });
    if (!isNew && (await messages.find(id))?.text !== text)
      throw new CloseoutError(
        'StatusConflict',
        'This mail is already stored with a different text. Send the new text as a new mail.',
      );
    // If this fails, the sweep starts the reply again, which has no effect.
    const note = () => messages.markBegun(id).catch(() => undefined);
    await this.runs.reply(id).then(note, ignoreUnavailable);
  }

  private async mailedTo(survey: Survey): Promise<string> {
    const [mailedTo] = await this.addressesOf(survey);
    if (mailedTo !== undefined) return mailedTo;
    throw new CloseoutError('NotFound', `The address that survey ${survey.id} was mailed to was removed.`);
  }

  /** Hashes of the addresses that it may have been mailed to: that of its last mail, which outlives the report's, and the report's. */
  async addressesOf({ mailedTo, reportId }: Survey): Promise<string[]> {
    const { reports, doNotContact } = this.stores;
    const address = (await reports.contactOf(reportId))?.emailAddress;
    const current = address === undefined ? null : doNotContact.hashOf(address);
    return [mailedTo, current].filter((hash) => hash !== null);
  }
}
