/** The words of every alert, and the mail that carries them. The same input is the same mail. */
import { domainOf, oneLine } from '../contract/contact.js';
import { alertMessageIdOf } from '../contract/ids.js';
import type { Alert } from '../contract/messages.js';
import type { Report } from '../contract/reports.js';
import { highestScore, type StoredAnswer, type Survey } from '../contract/survey.js';
import { automaticMail, type Mail } from '../customer/mail.js';
import { en } from '../customer/texts/en.js';
import { alertsOperator } from '../policy/survey.js';
import { day, later } from '../policy/time.js';

/** The subject of an alert, read from the database when the mail is written. */
export interface AlertFacts {
  report?: Pick<Report, 'id' | 'description'>;
  survey?: Pick<Survey, 'reportId' | 'decidedAt' | 'confirmation' | 'alertedRevision'>;
  answer?: Pick<StoredAnswer, 'score' | 'solved' | 'complaints' | 'comment' | 'changedAt'>;
  message?: { text: string; author: string | null; at: Date };
}

/** An alert in words, whatever carries it. */
export interface AlertText {
  subject: string;
  lines: string[];
  /** When it happened. */
  at: Date;
  inReplyTo?: Alert;
}

type AlertOf<K extends Alert['kind']> = Extract<Alert, { kind: K }>;

/** Undefined if there is nothing to say: the customer was erased, or the operator knows already. */
const texts: { [K in Alert['kind']]: (alert: AlertOf<K>, facts: AlertFacts) => AlertText | undefined } = {
  answer(alert, { report, survey, answer }) {
    if (!report || !survey || !answer) return undefined;
    const isLow = alertsOperator(answer, alert);
    const { alertedRevision } = survey;
    if (isLow && alertedRevision === null) return lowScore(alert, report, answer);
    if (!isLow && alertedRevision !== null)
      return { ...retraction(report, answer), inReplyTo: { ...alert, revision: alertedRevision } };
    return undefined;
  },

  undeliverable({ reportId, failure }, { survey }) {
    if (!survey) return undefined;
    return {
      subject: `Mail undeliverable for report ${reportId}`,
      lines: [
        `The mail to the customer of report ${reportId} was refused permanently: ${failure}.`,
        'The report is closed anyway, unless the policy requires a confirmation; then it waits for you. docs/errors.md explains each failure.',
      ],
      at: survey.decidedAt,
    };
  },

  relay: ({ failure, since }) => ({
    subject: 'The mail relay refuses our mail',
    lines: [
      `Since ${since} the mail relay refuses our greeting, login or sender (${failure}).`,
      'Mails to customers wait until it accepts mail again. Reports are closed meanwhile, except those whose customers must confirm first.',
      'Correct SMTP_URL or CLOSEOUT_MAIL_FROM. This alert is sent at most once a day.',
    ],
    at: new Date(since),
  }),

  attention: ({ reportId, step, failure, since, day: days }) => ({
    subject: `Needs attention: report ${reportId}`,
    lines: [
      `${step} failed for report ${reportId} at ${since}: ${failure}`,
      `Fix the cause, then run: closeout retry ${reportId}. If the report was closed elsewhere, run: closeout close-by-hand ${reportId} --note "…".`,
      'This alert is repeated once a day until the report no longer needs attention.',
    ],
    at: later(new Date(since), days * day),
  }),

  unconfirmed: ({ reportId, clearedAt, since, day: days }) => ({
    subject: `Not confirmed: report ${reportId}`,
    lines: [
      `The customer of report ${reportId}, cleared at ${clearedAt}, has not said whether the problem is fixed, or cannot be reached by mail.`,
      `The policy requires a confirmation. Ask the customer, then run: closeout release ${reportId}, or: closeout reopen ${reportId}.`,
      'This alert is repeated once a day until the report no longer needs attention.',
    ],
    at: later(new Date(since), days * day),
  }),

  reopenings: ({ reportId, cycle, at }) => ({
    subject: `Reopened ${cycle - 1} times: report ${reportId}`,
    lines: [`Report ${reportId} was closed and reopened ${cycle - 1} times. Look for the cause.`],
    at: new Date(at),
  }),

  stuck: ({ reportId, day: today }) => ({
    subject: `Does not follow: report ${reportId}`,
    lines: [
      `The workflow of report ${reportId} was woken five times and has not acted.`,
      `Look at its run in the Temporal UI, and check that a worker runs: closeout status ${reportId}`,
      'It is woken once a day from now on, with this alert.',
    ],
    at: new Date(today),
  }),

  massClear: ({ serviceProblemId, failed, at }) => ({
    subject: `Not all reports of service problem ${serviceProblemId} were cleared`,
    lines: [
      `${failed} reports could not be told that service problem ${serviceProblemId} is fixed.`,
      `To see them and the reasons, then to try again: closeout clear-problem ${serviceProblemId}`,
    ],
    at: new Date(at),
  }),

  message(_alert, { survey, message }) {
    if (!survey || !message) return undefined;
    const { reportId, confirmation } = survey;
    const sender = message.author
      ? `Another address than that of report ${reportId}`
      : `The customer of report ${reportId}`;
    const lines = [
      `${sender} replied to a survey mail:`,
      '',
      ...message.text.split('\n').map((line) => `> ${line}`),
      '',
      `To answer, run: closeout reply ${reportId} --text "…". The report's status did not change.`,
    ];
    if (confirmation === 'sent')
      lines.push(
        `The report was waiting for a confirmation and is now held. To close it, run: closeout release ${reportId}.`,
      );
    return { subject: `A customer replied about report ${reportId}`, lines, at: message.at };
  },
};

const notSolved = 'The customer says that the problem is not solved.';

function lowScore(
  { reportId, cycle }: AlertOf<'answer'>,
  { description }: NonNullable<AlertFacts['report']>,
  { score, solved, complaints, comment, changedAt }: NonNullable<AlertFacts['answer']>,
): AlertText {
  const rating = score === null ? '' : ` with ${score} of ${highestScore}`;
  const lines = [`The customer of report ${reportId} (cycle ${cycle}) answered${rating}.`];
  if (solved === false) lines.push(notSolved);
  lines.push('', `Report: ${oneLine(description)}`);
  if (complaints.length > 0) lines.push(`Reasons: ${complaints.map((reason) => en.page.complaint[reason]).join(', ')}`);
  lines.push(`Comment: ${comment ?? 'none'}`);
  const subject =
    score === null ? `Not solved: report ${reportId}` : `Low score ${score} of ${highestScore} for report ${reportId}`;
  return { subject, lines, at: changedAt };
}

function retraction(
  { id }: NonNullable<AlertFacts['report']>,
  { score, comment, changedAt }: NonNullable<AlertFacts['answer']>,
): AlertText {
  return {
    subject: `Withdrawn: the score of report ${id} is now ${score} of ${highestScore}`,
    lines: [
      `The customer of report ${id} changed the answer to ${score} of ${highestScore}, so the earlier alert no longer applies.`,
      '',
      `Comment: ${comment ?? 'none'}`,
    ],
    at: changedAt,
  };
}

/** Undefined if there is nothing to say. */
export function alertText(alert: Alert, facts: AlertFacts): AlertText | undefined {
  const render = texts[alert.kind] as (alert: Alert, facts: AlertFacts) => AlertText | undefined;
  return render(alert, facts);
}

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
    from,
    to: { name: '', address: to },
    subject: oneLine(subject),
    inReplyTo: before,
    references: before ? [before] : undefined,
    headers: automaticMail,
    text: [...lines, ...link, ''].join('\n'),
  };
}
