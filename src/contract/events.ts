/** Events that other programs are notified of: CloudEvents 1.0. They hold ids, states and times, never an address or a comment. */

export const eventTypes = [
  'report.opened',
  'report.cleared',
  'report.closed',
  'report.reopened',
  'report.cancelled',
  'report.needsAttention',
  'survey.ready',
  'survey.sent',
  'survey.answered',
  'survey.skipped',
  'survey.undeliverable',
] as const;
export type EventType = (typeof eventTypes)[number];

export interface CloudEvent {
  specversion: '1.0';
  /** The same in every attempt to deliver it. */
  id: string;
  /** The public URL of Closeout. */
  source: string;
  type: EventType;
  /** The report's id. */
  subject: string;
  /** ISO 8601, UTC. */
  time: string;
  datacontenttype: 'application/json';
  data: Record<string, unknown>;
}

/** A listener as operators see it. Times are ISO 8601, UTC. */
export interface ListenerStatus {
  name: string;
  kind: 'webhook' | 'hub' | 'system';
  /** Events that wait to be delivered. */
  waiting: number;
  failingSince?: string;
  parkedAt?: string;
  /** Why it fails, or was parked. */
  reason?: string;
}
