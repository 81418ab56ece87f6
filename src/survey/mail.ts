/** The survey mail and its reminder, as pure functions of what is known: the same input is the same mail, byte for byte. */
import { bounceAddressOf, messageIdOf, type MailKind } from '../contract/ids.js';
import { scores, type Contact, type Report } from '../contract/reports.js';
import { signLink, type LinkKey } from './links.js';
import { html, text } from './templates.js';
import { languageFor, languages, moment } from './texts.js';

export interface SurveyMail {
  kind: MailKind;
  surveyId: string;
  report: Pick<Report, 'id' | 'description' | 'name' | 'clearedAt'>;
  contact: Contact & { emailAddress: string };
  /** Ids of the report's earlier surveys that were mailed, oldest first. */
  earlier: string[];
  date: Date;
  expiresAt: Date;
}

export interface MailSettings {
  publicUrl: string;
  from: string;
  /** A monitored address: what customers write back goes there. */
  replyTo: string;
  /** `bounce@domain`, which becomes `bounce+{surveyId}@domain`. */
  bounceTo: string;
  linkKeys: LinkKey[];
}

/** One message as the mailer takes it. Everything a retry must repeat is in here. */
export interface Mail {
  messageId: string;
  date: Date;
  baseBoundary: string;
  from: string;
  replyTo?: string;
  to: { name: string; address: string };
  subject: string;
  inReplyTo?: string;
  references?: string[];
  headers: Record<string, string | { prepared: boolean; value: string }>;
  /** Where a bounce goes to, and by what id it names this mail (RFC 3461). */
  envelope?: { from: string; to: string };
  dsn?: { id: string; return: 'headers'; notify: ['failure', 'delay'] };
  text: string;
  html?: string;
}

/** From a program to a person; who answers by program need not (RFC 3834 §5; the second is for Exchange, which has no RFC marking). */
export const automatic = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' };

export function surveyMail(mail: SurveyMail, settings: MailSettings): Mail {
  const { kind, surveyId, contact, date } = mail;
  const domain = domainOf(settings.from);
  const optOut = `${settings.publicUrl}/u/${signLink('optOut', surveyId, settings.linkKeys)}`;
  const view = viewOf(mail, settings, optOut);
  const thread = [...mail.earlier, ...(kind === 'reminder' ? [surveyId] : [])].map((id) =>
    messageIdOf(id, 'survey', domain),
  );
  return {
    messageId: messageIdOf(surveyId, kind, domain),
    date,
    baseBoundary: `closeout-${surveyId}-${kind}`,
    from: settings.from,
    replyTo: settings.replyTo,
    to: { name: oneLine(contact.name ?? ''), address: contact.emailAddress },
    envelope: { from: bounceAddressOf(surveyId, settings.bounceTo), to: contact.emailAddress },
    dsn: { id: surveyId, return: 'headers', notify: ['failure', 'delay'] },
    subject: view.subject,
    ...(thread.length > 0 ? { inReplyTo: thread.at(-1), references: thread } : {}),
    headers: {
      ...automatic,
      'Content-Language': view.language,
      // Not folded: a folded one broke DKIM at a relay (nodemailer#1654).
      'List-Unsubscribe': { prepared: true, value: `<${optOut}>` },
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
    text: text.render('./mail.txt.eta', view),
    html: html.render('./mail.html.eta', view),
  };
}

function viewOf({ kind, surveyId, report, contact, expiresAt }: SurveyMail, settings: MailSettings, optOut: string) {
  const language = languageFor(contact.preferredLanguage);
  const t = languages[language];
  const link = `${settings.publicUrl}/s/${signLink('survey', surveyId, settings.linkKeys)}`;
  const { id } = report;
  return {
    language,
    dir: t.dir,
    t,
    subject: kind === 'reminder' ? t.mail.reminder(id) : t.mail.subject(id),
    isReminder: kind === 'reminder',
    hello: t.mail.hello(oneLine(contact.name ?? '')),
    reportId: id,
    summary: summaryOf(report),
    cleared: report.clearedAt && t.mail.cleared(moment(new Date(report.clearedAt), language, contact.timeZone)),
    ratings: scores.map((score) => ({ score, word: t.ratings[score], link: `${link}?r=${score}` })),
    notSolved: `${link}?solved=no`,
    until: t.mail.until(moment(expiresAt, language, contact.timeZone)),
    optOut,
  };
}

/** One line that the customer will recognise. */
export const summaryOf = ({ name, description }: Pick<Report, 'name' | 'description'>): string =>
  Array.from(oneLine(name ?? description))
    .slice(0, 140)
    .join('');

/** Of `Name <local@domain>` or `local@domain`. */
export const domainOf = (from: string): string => /@([^\s>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';

/** Without control characters or ones that turn the direction of text: a name cannot carry a header or a second recipient. */
export const oneLine = (value: string): string =>
  value.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
