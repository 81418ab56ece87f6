/** The mail that carries an alert. The same alert is the same mail. */
import { domainOf, mailboxOf, oneLine } from '../contract/contact.js';
import { alertMessageIdOf } from '../contract/ids.js';
import type { Alert } from '../contract/messages.js';
import { automaticMail, type Mail } from '../customer/mail.js';
import type { AlertText } from './alerts.js';

/** `runUrl`: the page of the run in the Temporal UI. */
export function alertMail(
  alert: Alert,
  { subject, lines, at, inReplyTo }: AlertText,
  { from, to, runUrl }: { from: string; to: string; runUrl: string | undefined },
): Mail {
  const domain = domainOf(from);
  const messageId = alertMessageIdOf(alert, domain);
  const before = inReplyTo && alertMessageIdOf(inReplyTo, domain);
  const link = runUrl ? ['', `The run: ${runUrl}`] : [];
  return {
    messageId,
    date: at,
    baseBoundary: `closeout-${messageId.slice(1).split('@')[0]}`,
    from: mailboxOf(from),
    to: { name: '', address: to },
    subject: oneLine(subject),
    inReplyTo: before,
    references: before ? [before] : undefined,
    headers: automaticMail,
    text: [...lines, ...link, ''].join('\n'),
  };
}
