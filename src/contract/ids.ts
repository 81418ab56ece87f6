/** Builders of the ids that cross a border, with their inverses. */
import type { Alert } from './messages.js';

const workflowPrefix = 'problem-report:';

export function workflowIdOf(reportId: string): string {
  return workflowPrefix + reportId;
}

/** `undefined` when the id is not one of a problem report's run. */
export function reportIdOf(workflowId: string): string | undefined {
  return workflowId.startsWith(workflowPrefix) ? workflowId.slice(workflowPrefix.length) : undefined;
}

export const massClearIdOf = (serviceProblemId: string): string => `service-problem:${serviceProblemId}`;

/** Says what counts as one and the same alert. */
export function alertIdOf(alert: Alert): string {
  switch (alert.kind) {
    case 'answer':
      return `alert:answer:${alert.reportId}:${alert.cycle}:${alert.revision}`;
    case 'undeliverable':
      return `alert:undeliverable:${alert.reportId}:${alert.cycle}`;
    case 'relay': // once a day, however many mails wait
      return `alert:relay:${alert.since.slice(0, 10)}`;
    case 'attention':
      return `alert:attention:${alert.reportId}:${alert.since}:${alert.day}`;
    case 'unconfirmed':
      return `alert:unconfirmed:${alert.reportId}:${alert.clearedAt}:${alert.day}`;
    case 'reopenings':
      return `alert:reopenings:${alert.reportId}:${alert.cycle}`;
    case 'message':
      return `alert:message:${alert.messageId}`;
  }
}

/** What a report id may look like: it is part of URLs, workflow ids and Message-IDs. */
export const reportIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The report that follows one whose customer said too late that it is not solved; the same for the same cycle. */
export function followUpIdOf(reportId: string, cycle: number): string {
  return `${reportId.slice(0, 52)}-after-${cycle}`;
}

/** `confirm` asks whether it is fixed, `warning` once more before silence is taken for a yes. */
export type MailKind = 'survey' | 'reminder' | 'confirm' | 'warning';

/**
 * The same on every retry, another for each kind and for each clearing that a customer is asked to confirm, so that
 * receivers can drop second copies (RFC 5322 §3.6.4).
 */
export function messageIdOf(surveyId: string, kind: MailKind, domain: string, clearedAt?: Date): string {
  const part = { survey: '1', reminder: '2', confirm: 'c', warning: 'w' }[kind];
  return `<survey.${surveyId}.${part}${clearedAt?.getTime() ?? ''}@${domain}>`;
}

/** The survey that a Message-ID of ours belongs to. */
export function surveyIdOfMessage(messageId: string): string | undefined {
  return /^<?survey\.([A-Za-z0-9_-]{16})\.(?:[12]|[cw]\d+)@/.exec(messageId)?.[1];
}

/** Where bounces of a survey's mail go to: `bounce+{surveyId}@domain` (RFC 3834, VERP). `base` is `bounce@domain`. */
export const bounceAddressOf = (surveyId: string, base: string): string => base.replace('@', `+${surveyId}@`);

/** The survey that a bounce address belongs to. */
export function surveyIdOfBounce(address: string): string | undefined {
  return /\+([A-Za-z0-9_-]{16})@/.exec(address)?.[1];
}
