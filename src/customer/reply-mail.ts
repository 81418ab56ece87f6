/** An operator's reply to a customer, in the thread of the survey. The same input is the same mail. */
import { domainOf, mailboxOf, oneLine, type Contact } from '../contract/contact.js';
import type { Report } from '../contract/reports.js';
import { bounceAddressOf } from '../contract/ids.js';
import { helloTo, threadIdOf, type Mail, type MailSettings, type ThreadStart } from './mail.js';
import { voiceOf, type Brand } from './brand.js';

export interface Reply {
  storedMessageId: string;
  date: Date;
  survey: ThreadStart;
  /** Message-ID of the customer's mail, if there was one. */
  inReplyTo: string | undefined;
  report: Pick<Report, 'id'>;
  contact: Contact & { emailAddress: string };
  text: string;
}

export function replyMail(
  { storedMessageId, date, survey, inReplyTo, report, contact, text }: Reply,
  { bounceTo }: Pick<MailSettings, 'bounceTo'>,
  brand: Brand,
): Mail {
  const { from, replyTo } = brand.sender;
  const { t: texts } = voiceOf(brand, [contact.preferredLanguage]);
  const { mail, confirm } = texts;
  const domain = domainOf(from);
  const start = threadIdOf(survey, domain);
  const name = oneLine(contact.name ?? '');
  return {
    messageId: `<reply.${storedMessageId}@${domain}>`,
    date,
    baseBoundary: `closeout-${storedMessageId}`,
    from: mailboxOf(from),
    replyTo: mailboxOf(replyTo),
    to: { name, address: contact.emailAddress },
    envelope: { from: bounceAddressOf(survey.id, bounceTo), to: contact.emailAddress },
    subject: `Re: ${survey.confirmFor ? confirm.subject({ report: report.id }) : mail.subject({ report: report.id })}`,
    inReplyTo: inReplyTo ?? start,
    references: inReplyTo ? [start, inReplyTo] : [start],
    headers: {},
    text: [
      helloTo(contact, texts),
      '',
      text,
      '',
      '--',
      mail.answeredBy({ report: report.id }),
      ...brand.footer,
      '',
    ].join('\n'),
  };
}
