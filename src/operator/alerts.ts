/** The words of every alert. The same input gives the same words. */
import { oneLine } from '../contract/contact.js';
import type { Alert } from '../contract/messages.js';
import type { Report } from '../contract/reports.js';
import { scoreInWords } from '../contract/scale.js';
import type { StoredAnswer, Survey } from '../contract/survey.js';
import { divideReply } from '../customer/quoted-text.js';
import { isInReopenWindow } from '../policy/links.js';
import { alertsOperator } from '../policy/survey.js';
import { tickedInWords, writtenBelow } from './follow-ups.js';

/** Reports with the same problem: how many, and the first of them. */
export interface Affected {
  count: number;
  reports: { id: string; failure?: string }[];
}

/** The subject of an alert, read from the database when the mail is written. */
export interface AlertFacts {
  report?: Pick<Report, 'id' | 'description' | 'cycle'>;
  survey?: Pick<Survey, 'reportId' | 'decidedAt' | 'confirmation' | 'alertedRevision' | 'reopenUntil'>;
  /** The customer's words about a reopening. */
  reason?: string;
  answer?: Pick<StoredAnswer, 'score' | 'scale' | 'solved' | 'followUps' | 'comment' | 'changedAt'>;
  /** The answer about which the operator was alerted before. */
  alerted?: Pick<StoredAnswer, 'solved'>;
  message?: { text: string; author: string | null; at: Date };
  /** The report is not closed before an operator releases it. */
  isHeld?: boolean;
  affected?: Affected;
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
  answer(alert, { report, survey, answer, alerted }) {
    if (!report || !survey || !answer) return undefined;
    const isLow = alertsOperator(answer, alert.scoreAtMost);
    const { alertedRevision } = survey;
    if (alertedRevision === null) return isLow ? lowScore(alert, report, answer, survey) : undefined;
    const inReplyTo = { ...alert, revision: alertedRevision };
    if (!isLow) return { ...retraction(report, answer), inReplyTo };
    // A low score may become a problem that is not solved, which opens the report again.
    const isNew = answer.solved === false && alerted?.solved !== false;
    return isNew ? { ...lowScore(alert, report, answer, survey), inReplyTo } : undefined;
  },

  notFixed({ reportId, at }, { report, reason }) {
    if (!report) return undefined;
    return {
      subject: `Not fixed: report ${reportId}`,
      lines: [
        `The customer of report ${reportId} says that the problem is not fixed. The report is open again.`,
        '',
        `Report: ${oneLine(report.description)}`,
        ...words('The customer writes', reason),
        '',
        ...whatToDo(reportId),
        `Once it is fixed: closeout clear ${reportId}`,
      ],
      at: new Date(at),
    };
  },

  undeliverable({ failure, at }, { affected }) {
    if (!affected || affected.count === 0) return undefined;
    return {
      subject: `Mail undeliverable for ${aboutReports(affected)}`,
      lines: [
        `Mails to customers were refused permanently: ${failure}.`,
        'The reports are closed anyway, unless the policy requires a confirmation; then they wait for you. docs/errors.md explains each failure.',
        ...listOf(affected),
        `Once the cause is corrected, run for each: closeout resend-survey ${oneOf(affected)}`,
        oncePerDay,
      ],
      at: new Date(at),
    };
  },

  copyRefused: ({ failure, reportId, at }) => ({
    subject: `Mail not sent again: report ${reportId}`,
    lines: [
      `A mail about the survey of report ${reportId} was refused permanently: ${failure}. The survey can still be answered.`,
      `Once the cause is corrected: closeout resend-survey ${reportId}`,
    ],
    at: new Date(at),
  }),

  senderRejected: ({ status, reportId, at }) => ({
    subject: 'Mails to customers are rejected because of their sender',
    lines: [
      `A customer's mail server rejected our mail with ${status}, including the mail about report ${reportId}.`,
      'Each such mail is sent again after 1, 2, 4, 8 and 16 hours. Then the survey counts as undeliverable, or the report waits for you.',
      `Check DKIM and DMARC of the domain of CLOSEOUT_MAIL_FROM, SPF of that of CLOSEOUT_MAIL_BOUNCE_TO, and whether your relay is on a block list. ${oncePerDay}`,
    ],
    at: new Date(at),
  }),

  relay: ({ failure, since, at }) => ({
    subject: 'The mail relay refuses our mail',
    lines: [
      `Since ${since}, the mail relay has refused our greeting, login or sender (${failure}).`,
      'Mails to customers wait until it accepts mail again. Reports are closed meanwhile, except those whose customers must confirm first.',
      'Correct SMTP_URL or CLOSEOUT_MAIL_FROM. This alert is sent at most once a day.',
    ],
    at: new Date(at),
  }),

  attention({ step, code, at, reportId }, { affected: listed }) {
    const affected = listed?.count === 0 && reportId ? { count: 1, reports: [{ id: reportId }] } : listed;
    if (!affected || affected.count === 0) return undefined;
    const isUnconfirmed = code === 'NotConfirmed';
    return {
      subject: `${isUnconfirmed ? 'Not confirmed' : 'Needs attention'}: ${aboutReports(affected)}`,
      lines: [
        ...(isUnconfirmed ? unconfirmed(oneOf(affected)) : refused(step, code, affected)),
        ...listOf(affected),
        'To list them all: closeout list --attention',
        oncePerDay,
      ],
      at: new Date(at),
    };
  },

  reopenings: ({ reportId, reopenings, at }) => ({
    subject: `Reopened ${reopenings} times: report ${reportId}`,
    lines: [`Report ${reportId} was closed and reopened ${reopenings} times. Look for the cause.`],
    at: new Date(at),
  }),

  stuck({ at }, { affected }) {
    if (!affected || affected.count === 0) return undefined;
    return {
      subject: `Not responding: ${aboutReports(affected)}`,
      lines: [
        'The workflows of these reports were woken five times and did not react.',
        ...listOf(affected),
        'Look at each run in the Temporal UI, and check that a worker runs: closeout status REPORT',
        `They are woken once a day from now on. ${oncePerDay}`,
      ],
      at: new Date(at),
    };
  },

  massClear: ({ serviceProblemId, failed, at }) => ({
    subject: `Not all reports of service problem ${serviceProblemId} were cleared`,
    lines: [
      `Service problem ${serviceProblemId} is fixed, but ${failed} of its reports are still not cleared.`,
      `To try again, and to see which reports fail and why: closeout clear-problem ${serviceProblemId}`,
    ],
    at: new Date(at),
  }),

  listener: ({ listener, reason, givenUp, at }) => ({
    subject: `${givenUp ? 'Event not delivered' : 'Delivery of events stopped'}: listener ${listener}`,
    lines: [
      givenUp
        ? `The listener ${listener} did not accept an event about report ${givenUp}: ${reason}. It is not sent again; later events are delivered.`
        : `The listener ${listener} gets no more events: ${reason}. They are kept until it is resumed, or removed from CLOSEOUT_SYSTEMS or the hub.`,
      `Once the cause is corrected: closeout events ${givenUp ? `replay --listener ${listener} --since TIME` : `resume ${listener}`}`,
    ],
    at: new Date(at),
  }),

  message(_alert, { survey, message, isHeld }) {
    if (!survey || !message) return undefined;
    const { reportId } = survey;
    const sender = message.author
      ? `Someone other than the customer of report ${reportId}`
      : `The customer of report ${reportId}`;
    const lines = [
      `${sender} writes:`,
      '',
      ...ownWords(message.text),
      '',
      ...whatToDo(reportId),
      "These words did not change the report's status, and this customer gets no reminder.",
    ];
    if (isHeld) lines.push(`The report is held. Once it may be closed, run: closeout release ${reportId}`);
    return { subject: `A customer wrote about report ${reportId}`, lines, at: message.at };
  },

  reply({ failure }, { survey, message }) {
    if (!survey || !message?.text) return undefined;
    const { reportId } = survey;
    return {
      subject: `Reply not mailed: report ${reportId}`,
      lines: [
        `The reply of ${message.author} to the customer of report ${reportId} was not mailed: ${failure}. docs/errors.md explains it.`,
        `To read it: closeout timeline ${reportId}`,
        `Once the cause is corrected, send it again: closeout reply ${reportId} --text "…"`,
      ],
      at: message.at,
    };
  },
};

const oncePerDay = 'This alert is sent at most once a day for each cause.';

/** The argument of a command: the report's id, or a placeholder for several reports. */
const oneOf = ({ count, reports }: Affected): string => (count === 1 ? (reports[0]?.id ?? '') : 'REPORT');

function refused(step: string, code: string, affected: Affected): string[] {
  const id = oneOf(affected);
  if (code === 'ReportNotFound')
    return [
      'A service has sent a signal for a report that does not exist.',
      `Open the report, and its run continues. If it should not exist, run: closeout close-by-hand ${id} --note "…"`,
    ];
  return [
    `${step} failed with ${code}. docs/errors.md explains it.`,
    `Fix the cause, then run: closeout retry ${affected.count === 1 ? id : '--all'}. If a report was closed elsewhere, run: closeout close-by-hand ${id} --note "…"; if it was raised in error: closeout cancel ${id}.`,
  ];
}

const unconfirmed = (id: string): string[] => [
  'The customers have not said whether the problem is fixed, or cannot be reached by mail, and the policy requires a confirmation.',
  `Ask each customer, then run: closeout release ${id}, or: closeout reopen ${id}.`,
];

const aboutReports = ({ count, reports }: Affected): string =>
  count === 1 ? `report ${reports[0]?.id}` : `${count} reports`;

const listOf = ({ count, reports }: Affected): string[] => [
  '',
  ...reports.map(({ id, failure }) => `  ${id}${failure ? `: ${failure}` : ''}`),
  ...(count > reports.length ? [`  and ${count - reports.length} more`] : []),
  '',
];

/** The customer's words as a quote, without the mail that they quote in turn. */
function ownWords(text: string): string[] {
  const { own, quoted } = divideReply(text);
  const folded = quoted === '' ? [] : ['', `(${quoted.split('\n').length} quoted lines left out)`];
  return [...own.split('\n').map((line) => `> ${line}`), ...folded];
}

const words = (label: string, text: string | null | undefined): string[] =>
  text ? [`${label}:`, '', ...ownWords(text)] : ['The customer left no comment.'];

const whatToDo = (id: string): string[] => [
  `To read everything about the report: closeout timeline ${id}`,
  `To answer the customer: closeout reply ${id} --text "…"`,
];

function lowScore(
  { reportId, cycle }: AlertOf<'answer'>,
  { description, cycle: currentCycle }: NonNullable<AlertFacts['report']>,
  { score, scale, solved, followUps, comment, changedAt }: NonNullable<AlertFacts['answer']>,
  { reopenUntil }: NonNullable<AlertFacts['survey']>,
): AlertText {
  const isNotSolved = solved === false;
  const rating = score === null ? undefined : scoreInWords(score, scale);
  const lines = [`The customer of report ${reportId} (cycle ${cycle}) answered${rating ? ` with ${rating}` : ''}.`];
  const course =
    currentCycle > cycle || isInReopenWindow(reopenUntil?.toISOString(), changedAt)
      ? 'The report was reopened.'
      : 'It is too late to reopen the report, so a follow-up report was opened.';
  if (isNotSolved) lines.push(`The customer says that the problem is not solved. ${course}`);
  lines.push('', `Report: ${oneLine(description)}`);
  const ticked = tickedInWords(followUps);
  if (ticked.length > 0) lines.push(`Reasons: ${ticked.join(', ')}`);
  lines.push(...words('The customer writes', writtenBelow(comment, followUps)), '', ...whatToDo(reportId));
  if (!isNotSolved) lines.push(`To open the report again: closeout reopen ${reportId}`);
  const inBrackets = rating ? ` (${rating})` : '';
  const subject = isNotSolved ? `Not solved: report ${reportId}${inBrackets}` : `Score ${rating}: report ${reportId}`;
  return { subject, lines, at: changedAt };
}

function retraction(
  { id }: NonNullable<AlertFacts['report']>,
  { score, scale, comment, followUps, changedAt }: NonNullable<AlertFacts['answer']>,
): AlertText {
  const rating = score === null ? 'not given' : scoreInWords(score, scale);
  return {
    subject: `Withdrawn: the score of report ${id} is now ${rating}`,
    lines: [
      `The customer of report ${id} changed the answer to ${rating}, so the earlier alert no longer applies.`,
      '',
      ...words('The customer writes', writtenBelow(comment, followUps)),
    ],
    at: changedAt,
  };
}

/** Undefined if there is nothing to say. */
export function alertText(alert: Alert, facts: AlertFacts): AlertText | undefined {
  const render = texts[alert.kind] as (alert: Alert, facts: AlertFacts) => AlertText | undefined;
  return render(alert, facts);
}
