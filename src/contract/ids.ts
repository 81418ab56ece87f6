/** Builders of the ids that cross a border, with their inverses. */

const workflowPrefix = 'problem-report:';

export function workflowIdOf(reportId: string): string {
  return workflowPrefix + reportId;
}

/** `undefined` when the id is not one of a problem report's run. */
export function reportIdOf(workflowId: string): string | undefined {
  return workflowId.startsWith(workflowPrefix) ? workflowId.slice(workflowPrefix.length) : undefined;
}

/** What a report id may look like: it is part of URLs, workflow ids and Message-IDs. */
export const reportIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export type MailKind = 'survey' | 'reminder';

/** The same on every retry, another for the reminder, so that receivers can drop second copies (RFC 5322 §3.6.4). */
export function messageIdOf(surveyId: string, kind: MailKind, domain: string): string {
  return `<survey.${surveyId}.${kind === 'survey' ? 1 : 2}@${domain}>`;
}
