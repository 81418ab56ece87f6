import { cancellationSignal } from '@temporalio/activity';
import { replyMail } from '../operator/alerts.js';
import type { Deps } from './deps.js';

/** Mails what an operator wrote. Safe to repeat: the same bytes under the same Message-ID; noted as sent once. */
export const sendReply =
  ({ reports, surveys, answers, mailer, mail }: Deps) =>
  async ({ messageId }: { messageId: string }): Promise<void> => {
    const message = await answers.message(messageId);
    const survey = message && (await surveys.find(message.survey_id));
    const contact = survey && (await reports.contactOf(survey.report_id));
    if (!message?.text || !survey || !contact?.emailAddress || message.sent_at) return; // sent, or forgotten since
    const incoming = (await answers.messagesOf(survey.id)).filter(({ direction }) => direction === 'in').at(-1);
    const reply = {
      ...{
        messageId,
        date: message.at,
        survey: { id: survey.id, confirmFor: survey.confirmation === 'unreachable' ? null : survey.confirm_for },
        text: message.text,
      },
      answersTo: incoming?.message_id ?? undefined,
      report: await reports.get(survey.report_id),
      contact: { ...contact, emailAddress: contact.emailAddress },
    };
    await mailer.send(replyMail(reply, mail), cancellationSignal());
    await answers.messageSent(messageId);
    await surveys.note(survey.id, 'replied', { by: message.author ?? 'operator' });
  };
