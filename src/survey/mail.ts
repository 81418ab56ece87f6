/** The survey mail and its reminder, as pure functions of what is known: the same input is the same mail, byte for byte. */
import { messageIdOf, type MailKind } from '../contract/ids.js';
import type { Contact, Report } from '../contract/reports.js';
import { signLink, type LinkKey } from './links.js';
import { html, text } from './templates.js';
import { day, ratings, scores } from './texts.js';

export interface SurveyMail {
  kind: MailKind;
  surveyId: string;
  report: Pick<Report, 'id' | 'description' | 'name' | 'clearedAt'>;
  contact: Contact & { emailAddress: string };
  date: Date;
  expiresAt: Date;
}

export interface MailSettings {
  publicUrl: string;
  from: string;
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
  references?: string;
  headers: Record<string, string | { prepared: boolean; value: string }>;
  text: string;
  html?: string;
}

export function surveyMail(mail: SurveyMail, settings: MailSettings): Mail {
  const { kind, surveyId, report, contact, date, expiresAt } = mail;
  const domain = domainOf(settings.from);
  const link = `${settings.publicUrl}/s/${signLink('survey', surveyId, settings.linkKeys)}`;
  const optOut = `${settings.publicUrl}/u/${signLink('optOut', surveyId, settings.linkKeys)}`;
  const reminder = kind === 'reminder';
  const subject = `${reminder ? 'Reminder: ' : ''}Is your problem solved? Report ${report.id}`;
  const view = {
    subject,
    reminder,
    greeting: contact.name ? `Hello ${oneLine(contact.name)},` : 'Hello,',
    reportId: report.id,
    summary: oneLine(report.name ?? report.description).slice(0, 140),
    cleared: report.clearedAt && day(new Date(report.clearedAt), contact.timeZone),
    ratings: scores.map((score) => ({ score, word: ratings[score], link: `${link}?r=${score}` })),
    link,
    notSolved: `${link}?solved=no`,
    expires: day(expiresAt, contact.timeZone),
    optOut,
  };
  return {
    messageId: messageIdOf(surveyId, kind, domain),
    date,
    baseBoundary: `closeout-${surveyId}-${kind}`,
    from: settings.from,
    replyTo: settings.from,
    to: { name: oneLine(contact.name ?? ''), address: contact.emailAddress },
    subject,
    ...(reminder
      ? { inReplyTo: messageIdOf(surveyId, 'survey', domain), references: messageIdOf(surveyId, 'survey', domain) }
      : {}),
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      // Not folded: a folded one broke DKIM at a relay (nodemailer#1654).
      'List-Unsubscribe': { prepared: true, value: `<${optOut}>` },
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
    text: text.render('./mail.txt.eta', view),
    html: html.render('./mail.html.eta', view),
  };
}

export interface AlertMail {
  surveyId: string;
  report: Pick<Report, 'id' | 'description'>;
  cycle: number;
  score: number | null;
  solved: boolean | null;
  comment: string | null;
  date: Date;
  to: string;
  runUrl: string | undefined;
}

/** To the operator, plain text: what the customer said, and where to look. */
export function alertMail(alert: AlertMail, settings: MailSettings): Mail {
  const { surveyId, report, cycle, score, solved, comment, date, to, runUrl } = alert;
  const lines = [
    `The customer of report ${report.id} (cycle ${cycle}) answered with ${score} of 5.`,
    ...(solved === false ? ['The customer says the problem is not solved; the report is open again.'] : []),
    '',
    `Report: ${oneLine(report.description)}`,
    `Comment: ${comment ?? 'none'}`,
    ...(runUrl ? ['', `The run: ${runUrl}`] : []),
  ];
  return {
    messageId: `<alert.${surveyId}@${domainOf(settings.from)}>`,
    date,
    baseBoundary: `closeout-${surveyId}-alert`,
    from: settings.from,
    to: { name: '', address: to },
    subject: `Low score ${score} of 5 for report ${report.id}`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    text: lines.join('\n') + '\n',
  };
}

/** Of `Name <local@domain>` or `local@domain`. */
export const domainOf = (from: string): string => /@([^\s>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';

/** Without control characters: a name cannot carry a header or a second recipient. */
// eslint-disable-next-line no-control-regex
export const oneLine = (value: string): string => value.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();
