/** What operators are told by mail, and what they write to customers. Plain text; the same input is the same mail. */
import type { Complaint, Report, Score } from '../contract/reports.js';
import {
  automatic,
  domainOf,
  oneLine,
  threadIdOf,
  type Mail,
  type Mailed,
  type MailSettings,
} from '../customer/mail.js';
import { en } from '../customer/texts/en.js';
import { languageFor, languages } from '../customer/texts.js';

export interface Told {
  /** Same for every try. */
  id: string;
  date: Date;
  to: string;
  runUrl: string | undefined;
}

export interface Said {
  score: Score | null;
  solved: boolean | null;
  complaints: Complaint[];
  comment: string | null;
}

type About = Pick<Report, 'id' | 'description' | 'name'>;

const isOpenAgain = 'The customer says the problem is not solved.';

/** A dissatisfied customer. */
export function lowScoreMail(told: Told, report: About, cycle: number, said: Said, settings: MailSettings): Mail {
  const { score } = said;
  const subject = score ? `Low score ${score} of 5 for report ${report.id}` : `Not solved: report ${report.id}`;
  return tell(told, settings, subject, [
    `The customer of report ${report.id} (cycle ${cycle}) answered${score ? ` with ${score} of 5` : ''}.`,
    ...(said.solved === false ? [isOpenAgain] : []),
    '',
    `Report: ${oneLine(report.description)}`,
    ...(said.complaints.length > 0 ? [`Reasons: ${said.complaints.map((c) => en.page.complaint[c]).join(', ')}`] : []),
    `Comment: ${said.comment ?? 'none'}`,
  ]);
}

/** The customer changed a low score to a better one. */
export function retractionMail(told: Told, report: About, said: Said, first: string, settings: MailSettings): Mail {
  const mail = tell(told, settings, `Taken back: score of report ${report.id} is now ${said.score} of 5`, [
    `The customer of report ${report.id} changed the answer to ${said.score} of 5, so the alert before this is settled.`,
    '',
    `Comment: ${said.comment ?? 'none'}`,
  ]);
  const before = alertMessageId(first, settings);
  return { ...mail, inReplyTo: before, references: [before] };
}

/** The relay refused one mail for good. */
export function undeliverableMail(told: Told, reportId: string, failure: string, settings: MailSettings): Mail {
  return tell(told, settings, `Survey undeliverable for report ${reportId}`, [
    `The mail relay refused the mail to the customer of report ${reportId} for good: ${failure}.`,
    'The report is closed all the same, or waits for you where the policy wants it confirmed. What to do is in docs/errors.md under that name.',
  ]);
}

/** The relay refuses everything we send. */
export function relayMail(told: Told, failure: string, since: string, settings: MailSettings): Mail {
  return tell(told, settings, 'The mail relay refuses our mail', [
    `Since ${since} the mail relay refuses us (${failure}): its greeting, our log-in or our sender.`,
    'Mails to customers wait and go out once it takes mail again. Reports are closed meanwhile, unless their customers are asked before.',
    'Correct SMTP_URL or CLOSEOUT_MAIL_FROM. This alert comes once a day at most.',
  ]);
}

/** A step that only an operator can help on. */
export function attentionMail(
  told: Told,
  { reportId, step, failure, since }: { reportId: string; step: string; failure: string; since: string },
  settings: MailSettings,
): Mail {
  return tell(told, settings, `Needs attention: report ${reportId}`, [
    `${step} of report ${reportId} was refused at ${since}: ${failure}`,
    `Remove the cause, then: closeout retry ${reportId}. Closed elsewhere: closeout close-by-hand ${reportId} --note "…".`,
    'This comes again once a day until somebody has helped.',
  ]);
}

/** Silence is not taken for a yes here. */
export function unconfirmedMail(
  told: Told,
  { reportId, clearedAt }: { reportId: string; clearedAt: string },
  settings: MailSettings,
): Mail {
  return tell(told, settings, `Not confirmed: report ${reportId}`, [
    `The customer of report ${reportId}, cleared at ${clearedAt}, has not said whether it is fixed, or cannot be reached by mail.`,
    `The policy does not close it without that. Ask, then: closeout release ${reportId}, or closeout reopen ${reportId}.`,
    'This comes again once a day until somebody has said so.',
  ]);
}

/** A report that is opened again and again. */
export function reopeningsMail(
  told: Told,
  { reportId, cycle }: { reportId: string; cycle: number },
  settings: MailSettings,
): Mail {
  return tell(told, settings, `Reopened ${cycle - 1} times: report ${reportId}`, [
    `Report ${reportId} was closed and reopened ${cycle - 1} times; somebody should look for the cause.`,
  ]);
}

/** A customer wrote back. */
export function wroteBackMail(
  told: Told,
  reportId: string,
  { text, author, isHeld }: { text: string; author: string | null; isHeld: boolean },
  settings: MailSettings,
): Mail {
  return tell(told, settings, `A customer wrote back about report ${reportId}`, [
    author
      ? `Somebody who writes from another address than report ${reportId} has answered its survey mail:`
      : `The customer of report ${reportId} answered a survey mail:`,
    '',
    ...text.split('\n').map((line) => `> ${line}`),
    '',
    `To answer: closeout reply ${reportId} --text "…". The report's status did not change.`,
    ...(isHeld ? [`It was to be confirmed, and is not closed before: closeout release ${reportId}.`] : []),
  ]);
}

function tell({ id, date, to, runUrl }: Told, settings: MailSettings, subject: string, lines: string[]): Mail {
  return {
    messageId: alertMessageId(id, settings),
    date,
    baseBoundary: `closeout-${id}-alert`,
    from: settings.from,
    to: { name: '', address: to },
    subject: oneLine(subject),
    headers: automatic,
    text: [...lines, ...(runUrl ? ['', `The run: ${runUrl}`] : []), ''].join('\n'),
  };
}

const alertMessageId = (id: string, { from }: MailSettings) => `<alert.${id}@${domainOf(from)}>`;

export interface Reply {
  messageId: string;
  date: Date;
  survey: Mailed;
  /** Message-ID of what the customer wrote, if by mail. */
  answersTo: string | undefined;
  report: About;
  contact: { name?: string; emailAddress: string; preferredLanguage?: string };
  text: string;
}

/** A person answers a customer: it threads under the survey in the customer's mail program. */
export function replyMail(reply: Reply, settings: MailSettings): Mail {
  const { report, contact, answersTo } = reply;
  const { mail: t, confirm } = languages[languageFor(contact.preferredLanguage)];
  const survey = threadIdOf(reply.survey, domainOf(settings.from));
  return {
    messageId: `<reply.${reply.messageId}@${domainOf(settings.from)}>`,
    date: reply.date,
    baseBoundary: `closeout-${reply.messageId}`,
    from: settings.from,
    replyTo: settings.replyTo,
    to: { name: oneLine(contact.name ?? ''), address: contact.emailAddress },
    subject: `Re: ${reply.survey.confirmFor ? confirm.subject(report.id) : t.subject(report.id)}`,
    inReplyTo: answersTo ?? survey,
    references: answersTo ? [survey, answersTo] : [survey],
    headers: {},
    text: [t.hello(oneLine(contact.name ?? '')), '', reply.text, '', '--', t.answeredBy(report.id), ''].join('\n'),
  };
}
