/** Rows of the store as the reports, contacts and changes that the rest of Closeout works with. */
import { isDeepStrictEqual } from 'node:util';
import type { Selectable } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import { closingMarker } from '../../contract/ids.js';
import type { Report, ReportChanges, StatusChange } from '../../contract/reports.js';
import { systemOfRecord, type Change } from '../../policy/changes.js';
import type { Clearing } from '../../policy/standing.js';
import { stateOf } from '../../policy/status.js';
import type { Database } from '../database/schema.js';

export type ReportRow = Selectable<Database['reports']>;

export function toReport(row: ReportRow): Report {
  return {
    id: row.id,
    status: row.status,
    cycle: row.cycle,
    description: row.description,
    severity: row.severity,
    ticketType: row.ticketType,
    name: row.name ?? undefined,
    priority: row.priority ?? undefined,
    externalId: row.externalId ?? undefined,
    customerId: row.customerId ?? undefined,
    serviceProblemId: row.serviceProblemId ?? undefined,
    openedAt: row.openedAt.toISOString(),
    changedAt: isoOrNull(row.changedAt),
    clearedAt: row.clearedAt?.toISOString(),
    closedAt: row.closedAt?.toISOString(),
    lastUpdate: row.lastUpdate.toISOString(),
    statusReason: row.statusReason ?? undefined,
    document: row.document,
  };
}

export function toStatusChange({ status, at, by, reason }: Selectable<Database['statusChanges']>): StatusChange {
  return { status, at: at.toISOString(), by: by ?? undefined, reason: reason ?? undefined };
}

export function toContact(row: Selectable<Database['contacts']>): Contact {
  return {
    name: row.name ?? undefined,
    emailAddress: row.emailAddress ?? undefined,
    preferredLanguage: row.preferredLanguage ?? undefined,
    timeZone: row.timeZone ?? undefined,
    attributes: row.attributes ?? undefined,
  };
}

/** Compares contacts; a missing field equals an undefined one. */
export const isSameContact = (a: Contact | undefined, b: Contact | undefined): boolean =>
  isDeepStrictEqual(a && contactColumns(a), b && contactColumns(b));

export const contactColumns = (contact: Contact) => ({
  name: contact.name ?? null,
  emailAddress: contact.emailAddress ?? null,
  preferredLanguage: contact.preferredLanguage ?? null,
  timeZone: contact.timeZone ?? null,
  attributes: contact.attributes ?? null,
});

/** The columns that a caller sets directly. */
export function columnsOf(report: ReportChanges) {
  const { description, severity, ticketType, name, priority, externalId, customerId, serviceProblemId } = report;
  return { description, severity, ticketType, name, priority, externalId, customerId, serviceProblemId };
}

const isoOrNull = (time: Date | null): string | null => time && time.toISOString();

/** The change to cleared that the row is about; undefined if it is not cleared. */
export function toClearing({ clearedAt, clearReceivedAt, clearBy }: ReportRow): Clearing | undefined {
  if (!clearedAt) return undefined;
  const at = clearedAt.toISOString();
  return { at, receivedAt: clearReceivedAt?.toISOString() ?? at, by: clearBy ?? undefined };
}

/** The clearing is in the ledger already. */
export const isClearingRecorded = ({ state, clearedAt }: ReportRow, { at }: Clearing): boolean =>
  state === 'cleared' && clearedAt?.toISOString() === at;

/** One of our attempts to close its ticket is under way. */
export const isBeingClosed = ({ id, cycle, clearedAt, movingTo, movingUntil }: ReportRow, at: Date): boolean =>
  clearedAt !== null && movingTo === closingMarker(id, cycle, clearedAt) && movingUntil !== null && movingUntil > at;

/** Another program has opened the report again since it was cleared. */
export const isReopenedElsewhere = (row: ReportRow, clearing: Clearing, change: Change | undefined): boolean =>
  stateOf(row.status) === 'open' && (isClearingRecorded(row, clearing) || change?.source === systemOfRecord);
