/** Rows of the store as the reports, contacts and changes that the rest of Closeout works with. */
import type { Selectable } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import type { Report, ReportChanges, StatusChange } from '../../contract/reports.js';
import { stateOf, type ReportState } from '../../policy/status.js';
import type { Database } from '../database/schema.js';
import type { SweptReport } from './port.js';

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

export function toState({ status, cycle, changedAt }: Pick<ReportRow, 'status' | 'cycle' | 'changedAt'>): ReportState {
  return { state: stateOf(status), cycle, changedAt: isoOrNull(changedAt) };
}

export function toSwept(
  row: Pick<ReportRow, 'id' | 'status' | 'cycle' | 'changedAt' | 'runState' | 'runCycle'>,
): SweptReport {
  return { id: row.id, ...toState(row), runState: row.runState, runCycle: row.runCycle };
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

/** The columns that a caller sets directly. */
export function columnsOf(report: ReportChanges) {
  const { description, severity, ticketType, name, priority, externalId, customerId, serviceProblemId } = report;
  return { description, severity, ticketType, name, priority, externalId, customerId, serviceProblemId };
}

const isoOrNull = (time: Date | null): string | null => time && time.toISOString();
