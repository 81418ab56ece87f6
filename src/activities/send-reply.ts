import { cancellationSignal } from '@temporalio/activity';
import { CloseoutError } from '../contract/errors.js';
import { replyMail } from '../customer/reply-mail.js';
import type { Deps } from './deps.js';

/** Mails an operator's reply. Safe to repeat: the same bytes under the same Message-ID, and recorded as sent once. Throws if it cannot. */
export async function sendReply(
  { reports, surveys, messages, timeline, mailer, mail, brands }: Deps,
  { storedMessageId }: { storedMessageId: string },
): Promise<void> {
  const message = await messages.find(storedMessageId);
  const survey = message && (await surveys.find(message.surveyId));
  if (!message?.text || !survey || message.sentAt) return; // sent, or erased since
  const contact = await reports.contactOf(survey.reportId);
  if (!contact?.emailAddress) throw new CloseoutError('StatusConflict', 'The report has no address any more.');
  const incoming = (await messages.ofSurvey(survey.id)).filter(({ direction }) => direction === 'in').at(-1);
  const reply = {
    storedMessageId,
    date: message.at,
    survey: { id: survey.id, confirmFor: survey.confirmation === 'unreachable' ? null : survey.confirmFor },
    text: message.text,
    inReplyTo: incoming?.messageId ?? undefined,
    report: await reports.get(survey.reportId),
    contact: { ...contact, emailAddress: contact.emailAddress },
  };
  await mailer.send(replyMail(reply, mail, brands.of(survey.brand)), cancellationSignal());
  await messages.markSent(storedMessageId);
  await timeline.add(survey.id, 'replied', { by: message.author ?? 'operator' });
}
