/** Builders of the ids that other systems see, and their inverses. */
import type { Alert } from './messages.js';

const workflowPrefix = 'problem-report:';
const massClearPrefix = 'service-problem:';

export const workflowIdOf = (reportId: string): string => workflowPrefix + reportId;

/** Undefined if the id is not that of a problem report's workflow. */
export function reportIdOf(workflowId: string): string | undefined {
  return workflowId.startsWith(workflowPrefix) ? workflowId.slice(workflowPrefix.length) : undefined;
}

export const massClearIdOf = (serviceProblemId: string): string => massClearPrefix + serviceProblemId;

/** Undefined if the id is not that of a service problem's workflow. */
export function serviceProblemIdOf(workflowId: string): string | undefined {
  return workflowId.startsWith(massClearPrefix) ? workflowId.slice(massClearPrefix.length) : undefined;
}

/** Workflow id of an alert. Two alerts with the same id are one alert, which is mailed once. */
export function alertIdOf(alert: Alert): string {
  switch (alert.kind) {
    case 'answer':
      return `alert:answer:${alert.reportId}:${alert.cycle}:${alert.revision}`;
    case 'notFixed':
      return `alert:notFixed:${alert.reportId}:${alert.cycle}:${alert.at}`;
    case 'undeliverable':
      return `alert:undeliverable:${alert.failure}:${alert.at.slice(0, 10)}`;
    case 'copyRefused':
      return `alert:copyRefused:${alert.reportId}:${alert.at.slice(0, 10)}`;
    case 'senderRejected':
      return `alert:senderRejected:${alert.status}:${alert.at.slice(0, 10)}`;
    case 'relay': // once a day, no matter how many mails are waiting
      return `alert:relay:${alert.at.slice(0, 10)}`;
    case 'attention':
      return `alert:attention:${alert.step}:${alert.code}:${alert.at.slice(0, 10)}`;
    case 'reopenings':
      return `alert:reopenings:${alert.reportId}:${alert.cycle}`;
    case 'stuck':
      return `alert:stuck:${alert.at.slice(0, 10)}`;
    case 'massClear':
      return `alert:massClear:${alert.serviceProblemId}:${alert.request}`;
    case 'listener':
      return `alert:listener:${alert.listener}:${alert.occasion}`;
    case 'message':
      return `alert:message:${alert.storedMessageId}`;
    case 'reply':
      return `alert:reply:${alert.storedMessageId}`;
  }
}

/** Message-ID of the mail about an alert. */
export const alertMessageIdOf = (alert: Alert, domain: string): string =>
  `<${alertIdOf(alert).replace(/[^A-Za-z0-9_-]+/g, '.')}@${domain}>`;

/** A report id is part of URLs, workflow ids and Message-IDs. */
export const reportIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const reportIdRule = 'must be 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit';

/** Id of the report that is opened when a customer says too late that the problem is not solved. One per cycle. */
export function followUpIdOf(reportId: string, cycle: number): string {
  const suffix = `-after-${cycle}`;
  if (reportId.length + suffix.length <= 64) return `${reportId}${suffix}`;
  // Two long ids may begin alike.
  const hash = fnv1a(reportId).toString(36);
  return `${reportId.slice(0, 63 - suffix.length - hash.length)}-${hash}${suffix}`;
}

/** FNV-1a, 32 bits. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** `confirm` asks whether the problem is fixed; `warning` asks once more before the report is closed on silence. */
export type MailKind = 'survey' | 'reminder' | 'confirm' | 'warning';

/**
 * The same for every attempt to send a mail, and different for each kind of mail and each clearing to be confirmed, so that
 * receivers can drop second copies (RFC 5322 §3.6.4).
 */
export function messageIdOf(surveyId: string, kind: MailKind, domain: string, clearedAt?: Date): string {
  const part = { survey: '1', reminder: '2', confirm: 'c', warning: 'w' }[kind];
  return `<survey.${surveyId}.${part}${clearedAt?.getTime() ?? ''}@${domain}>`;
}

/** The survey that one of our Message-IDs belongs to. */
export function surveyIdOfMessage(messageId: string): string | undefined {
  return /^<?survey\.([0-9a-v]{20})\.(?:[12]|[cw]\d+)@/i.exec(messageId)?.[1]?.toLowerCase();
}

/** A Message-ID of ours is that of a reminder or warning: the mail before it did arrive. */
export const isReminderMessage = (messageId: string): boolean =>
  /^<?survey\.[0-9a-v]{20}\.(?:2|w\d+)@/i.test(messageId);

/** Envelope sender of a survey's mail, to which it bounces: `bounce+{surveyId}@domain` (VERP). `base`: `bounce@domain`. */
export const bounceAddressOf = (surveyId: string, base: string): string => base.replace('@', `+${surveyId}@`);

/** The survey that a bounce address belongs to. */
export function surveyIdOfBounce(address: string): string | undefined {
  return /\+([0-9a-v]{20})@/i.exec(address)?.[1]?.toLowerCase();
}

/**
 * The marker identifies a change or note that we made in a ticket system, so that it is made only once. A cycle may have several clearings.
 */
export const closingMarker = (reportId: string, cycle: number, clearedAt: Date): string =>
  `closeout:${reportId}:${cycle}:${clearedAt.getTime()}:closed`;
export const changeMarker = (reportId: string, rev: number, change: 'reopened' | 'cancelled'): string =>
  `closeout:${reportId}:${rev}:${change}`;
export const answerMarker = (reportId: string, cycle: number, revision: number): string =>
  `closeout:${reportId}:${cycle}:answer:${revision}`;
