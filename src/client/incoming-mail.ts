/** Mail that comes back: bounces, complaints, automatic replies, and what customers write. */
import { CloseoutError } from '../contract/errors.js';
import { signals } from '../contract/messages.js';
import type { Survey } from '../contract/survey.js';
import { reportAbout } from '../customer/delivery-report.js';
import type { IncomingMail } from '../customer/incoming-mail.js';
import type { Stores } from '../outside/stores.js';
import type { OptOutSource } from '../outside/surveys/do-not-contact.js';
import type { Runs } from '../outside/temporal/runs.js';
import { now } from '../outside/database/clock.js';
import { isAwaitingCustomer } from '../policy/confirmation.js';
import { isBadAddress, isSenderFault } from '../policy/delivery.js';
import { stateOf } from '../policy/status.js';
import { falseIfRefused, ignoreNotFound } from './errors.js';
import type { SurveyService } from './surveys.js';

/** The class of an incoming mail, and the survey that it is about. */
export interface ReceivedMail {
  kind: 'bounce' | 'delay' | 'complaint' | 'unsubscription' | 'automatic' | 'reply';
  surveyId?: string;
}

export class IncomingMailService {
  constructor(
    private readonly stores: Stores,
    private readonly runs: Runs,
    private readonly surveys: SurveyService,
  ) {}

  /** Handles an incoming mail. Safe to repeat. Throws `NotFound` if a person replied to no survey of ours. */
  async receive(mail: IncomingMail): Promise<ReceivedMail> {
    const { kind, surveyIds } = mail;
    const survey = (await this.firstOf(surveyIds)) ?? (await this.answeredIn(mail));
    if (survey) return { kind: await this.receiveAbout(survey, mail), surveyId: survey.id };
    if (kind === 'reply')
      throw new CloseoutError('NotFound', 'This mail does not belong to any survey, so nobody was alerted.');
    const isWish = kind === 'complaint' || kind === 'unsubscription';
    if (isWish && (await this.optOutOfRemoved(surveyIds, kind))) return { kind };
    return { kind: 'automatic' };
  }

  /** The survey in whose thread an operator replied, and is answered now. */
  private async answeredIn({ repliesAnswered }: IncomingMail): Promise<Survey | undefined> {
    for (const id of repliesAnswered) {
      const reply = await this.stores.messages.find(id);
      if (reply) return this.surveys.find(reply.surveyId);
    }
    return undefined;
  }

  /** A customer's wish outlives the report. Returns false if there never was such a survey. */
  private async optOutOfRemoved(surveyIds: string[], source: OptOutSource): Promise<boolean> {
    const { doNotContact } = this.stores;
    for (const id of surveyIds) {
      const addressHash = await doNotContact.removedMailedTo(id);
      if (addressHash === undefined) continue;
      await doNotContact.optOutOfRemoved(addressHash, source);
      return true;
    }
    return false;
  }

  private async receiveAbout(survey: Survey, mail: IncomingMail): Promise<ReceivedMail['kind']> {
    switch (mail.kind) {
      case 'deliveryReport':
        return this.receiveReports(survey, mail);
      case 'automatic':
        await this.stores.timeline.addOnce(survey.id, 'automaticReply', mail.id);
        return 'automatic';
      case 'complaint':
      case 'unsubscription':
        // A mail server would send it back to somebody who can do nothing about it.
        await this.surveys.optOut(survey, mail.kind).catch(ignoreNotFound);
        return mail.kind;
      case 'reply':
        await this.receiveReply(survey, mail);
        return 'reply';
    }
  }

  private async receiveReports(
    survey: Survey,
    { id, reports, replyId, isOfReminder }: IncomingMail & { kind: 'deliveryReport' },
  ): Promise<'bounce' | 'delay' | 'automatic'> {
    const { timeline, doNotContact } = this.stores;
    const ours = await this.surveys.addressesOf(survey);
    const isOurs = (hash: string) => ours.includes(hash) || survey.earlierAddresses.includes(hash);
    const about = reportAbout(reports, (to) => isOurs(doNotContact.hashOf(to)));
    if (!about || about.report.outcome === 'delivered') {
      await timeline.addOnce(survey.id, 'automaticReply', id);
      return 'automatic';
    }
    const { outcome, status, recipient } = about.report;
    if (outcome === 'delayed') {
      await timeline.addOnce(survey.id, 'delayed', status);
      return 'delay';
    }
    const address = recipient === undefined ? ours[0] : doNotContact.hashOf(recipient);
    if (isBadAddress(status) && address !== undefined && !about.isForwarded)
      await doNotContact.suppress(address, { reason: status, source: 'dsn', reportId: survey.reportId });
    // The bounce is about an earlier address; a later mail went to another one.
    const { originalRecipient } = about.report;
    const sentTo =
      about.isForwarded && originalRecipient !== undefined ? doNotContact.hashOf(originalRecipient) : address;
    const isOfEarlier = sentTo !== undefined && !ours.includes(sentTo) && isOurs(sentTo);
    if (replyId !== undefined)
      await this.handleReplyBounce(replyId, isBadAddress(status) ? 'RecipientRefused' : 'MailRefused');
    else if (isOfEarlier) await timeline.addOnce(survey.id, 'bounced', status);
    else await this.handleBounce(survey, status, id, isOfReminder);
    return 'bounce';
  }

  /** An operator's reply bounced. The survey is not affected. */
  private async handleReplyBounce(storedMessageId: string, failure: 'RecipientRefused' | 'MailRefused'): Promise<void> {
    const { messages } = this.stores;
    if (!(await messages.find(storedMessageId))) return;
    await messages.giveUp(storedMessageId, failure);
    await this.runs.alert({ kind: 'reply', storedMessageId, failure });
  }

  /** The report stays closed. A survey stays open if only its reminder came back: its first mail did arrive. */
  private async handleBounce(survey: Survey, status: string, id: string, isOfReminder = false): Promise<void> {
    await this.stores.timeline.addOnce(survey.id, 'bounced', status);
    if (isOfReminder && isSenderFault(status)) {
      const at = now().toISOString();
      await this.runs.alert({ kind: 'senderRejected', status, reportId: survey.reportId, at });
    }
    if (isOfReminder) return;
    const isWaiting = survey.state === 'sent' || survey.state === 'queued' || survey.confirmation === 'sent';
    if (!isWaiting) return;
    const report = await this.stores.reports.get(survey.reportId);
    await this.runs.signal(report, signals.bounced, { surveyId: survey.id, reason: status, id });
  }

  /** Stored before anybody is alerted. The report's status is the operator's to change. */
  private async receiveReply(
    survey: Survey,
    { id, messageId, from, text }: IncomingMail & { kind: 'reply' },
  ): Promise<void> {
    const { messages, timeline, doNotContact } = this.stores;
    const isCustomer =
      from !== undefined && (await this.surveys.addressesOf(survey)).includes(doNotContact.hashOf(from));
    const author = isCustomer ? null : 'another address';
    const isNew = await messages.store({ id, surveyId: survey.id, direction: 'in', messageId, author, text });
    if (isNew) await timeline.add(survey.id, 'wroteBack');
    else if ((await messages.find(id))?.begunAt) return;
    await this.holdIfAsked(survey.reportId, id);
    await this.surveys.alertToMessage(id);
  }

  /**
   * A reply counts as contact, whichever mail of the report it answers: a report that waits for its customer stays open until an
   * operator has read the reply. A lost run is replaced; one that is just ending throws `TemporalUnavailable`.
   */
  private async holdIfAsked(reportId: string, mailId: string): Promise<void> {
    const report = await this.stores.reports.get(reportId);
    if (stateOf(report.status) !== 'cleared') return;
    const asked = await this.stores.surveys.ofCycle(reportId, report.cycle);
    if (!asked || !isAwaitingCustomer(asked.confirmation)) return;
    const request = { by: 'closeout', note: 'the customer replied by mail' };
    await this.runs.updateWithStart('hold', report, request, mailId).catch(falseIfRefused);
  }

  private async firstOf(surveyIds: string[]): Promise<Survey | undefined> {
    for (const id of surveyIds) {
      const survey = await this.surveys.find(id);
      if (survey) return survey;
    }
    return undefined;
  }
}
