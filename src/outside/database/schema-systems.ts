/** Tables about other programs: ticket systems, alarms, and listeners of events. */
import type { ColumnType, Generated } from 'kysely';
import type { Optional, OptionalTime } from './column-types.js';

/** How far an external system was read. */
export interface SystemTable {
  name: string;
  mark: Optional<string>;
  polledAt: OptionalTime;
  comparedAt: OptionalTime;
  /** Who reads it, and until when. */
  claimedBy: Optional<string>;
  claimedUntil: OptionalTime;
  failingSince: OptionalTime;
  reason: Optional<string>;
  /** When the next request may be made. */
  nextAt: OptionalTime;
}

/** A ticket that is to be read again. */
export interface HintTable {
  system: string;
  ticketId: string;
  at: Generated<Date>;
  /** Not before then. */
  dueAt: Generated<Date>;
  /** How often it could not be read. */
  failures: Generated<number>;
}

/** The last firing of an alarm, and the report about it. */
export interface AlarmTable {
  source: string;
  fingerprint: string;
  startsAt: OptionalTime;
  /** Since when it no longer fires. */
  endedAt: OptionalTime;
  /** How often it has fired with this start. */
  firings: Generated<number>;
  reportId: Optional<string>;
  /** Who handles a firing or its end, and until when. */
  claimedBy: Optional<string>;
  claimedUntil: OptionalTime;
}

/** Who is notified of events: a webhook or system of CLOSEOUT_SYSTEMS, or a listener that the TMF621 hub was given. */
export interface ListenerTable {
  name: string;
  kind: 'webhook' | 'hub' | 'system';
  /** null: all. */
  types: string[] | null;
  callback: Optional<string>;
  query: Optional<string>;
  /** In a row. */
  failures: Generated<number>;
  /** When the last of them was counted. */
  failedAt: OptionalTime;
  failingSince: OptionalTime;
  /** Left alone until then. */
  retryAt: OptionalTime;
  parkedAt: OptionalTime;
  reason: Optional<string>;
  createdAt: Generated<Date>;
}

/** An event that a listener does not have yet. */
export interface DeliveryTable {
  listener: string;
  seq: string;
  reportId: string;
  attempts: Generated<number>;
  dueAt: ColumnType<Date, Date | undefined, Date>;
  failingSince: OptionalTime;
  claimedUntil: OptionalTime;
}
