/**
 * Reports that live in external systems: what was seen of them there. A reading counts only if it differs from the last one and began
 * after it. It only sets the status; what that means is decided by the report's run.
 */
import { sql } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import type { ReportAttributes, ReportStatus } from '../../contract/reports.js';
import { changesBetween } from '../../policy/changes.js';
import { stateOf } from '../../policy/status.js';
import { addCustomer } from '../customers.js';
import type { Db } from '../database/database.js';
import { hint } from '../system-states.js';
import { toReport, type ReportRow } from './rows.js';
import { putContact } from './store.js';

/** A ticket as it was seen. */
export interface Observation {
  reportId: string;
  system: string;
  ticketId: string;
  status: ReportStatus;
  /** When its reading began. */
  at: Date;
  attributes: Omit<ReportAttributes, 'externalId' | 'priority'>;
  contact: Contact | undefined;
  openedAt: Date | undefined;
}

/** `opened`: it was not known before; `changed`: its run has to look again. */
export type Observed = 'opened' | 'changed' | 'same';

/** The ticket behind a report. */
export interface KnownTicket {
  system: string;
  ticketId: string;
  /** What the system last said. */
  observed: ReportStatus;
}

/** A status that was read in the system, and when that reading began. */
export interface Seen {
  status: ReportStatus;
  at: Date;
}

export interface ObservedReports {
  /** Tickets that had ended before they were seen are not opened. */
  observe(observation: Observation): Promise<Observed>;
  /** The ticket was not found. It counts as gone if it is still not found `again` ms later. */
  observeGone(reportId: string, at: Date, again: number): Promise<Observed>;
  /** The ticket behind a report; undefined if the report lives in our own store. */
  ticketOf(reportId: string): Promise<KnownTicket | undefined>;
  /** A change of ours was made there and read again. Counts only while the report is in that state: otherwise the ticket is read again. */
  noteMoved(reportId: string, seen: Seen): Promise<void>;
  /** The tickets of reports that have not ended. */
  unfinished(system: string): Promise<string[]>;
}

export function observedReports(db: Db): ObservedReports {
  return {
    observe: (observation) => db.transaction().execute((tx) => observe(tx, observation)),
    observeGone: (reportId, at, again) => db.transaction().execute((tx) => observeGone(tx, reportId, at, again)),

    async ticketOf(reportId) {
      const row = await db
        .selectFrom('reports')
        .select(['system', 'ticketId', 'observedStatus'])
        .where('id', '=', reportId)
        .executeTakeFirst();
      if (!row?.system || !row.ticketId) return undefined;
      return { system: row.system, ticketId: row.ticketId, observed: row.observedStatus ?? 'inProgress' };
    },

    async noteMoved(reportId, seen) {
      const { numUpdatedRows } = await db
        .updateTable('reports')
        .set(seenColumns(seen))
        .where('id', '=', reportId)
        .where('state', '=', stateOf(seen.status))
        .executeTakeFirst();
      const known = numUpdatedRows === 0n ? await this.ticketOf(reportId) : undefined;
      if (known) await hint(db, known.system, [known.ticketId]);
    },

    async unfinished(system) {
      const rows = await db
        .selectFrom('reports')
        .select('ticketId')
        .where('system', '=', system)
        .where('observedStatus', 'not in', ['closed', 'cancelled'])
        .execute();
      return rows.flatMap(({ ticketId }) => ticketId ?? []);
    },
  };
}

export const seenColumns = (seen: Seen | undefined) =>
  seen ? { observedStatus: seen.status, observedAt: seen.at } : {};

type ObservedRow = ReportRow & { isMoving: boolean | null };

const readRow = (tx: Db, reportId: string): Promise<ObservedRow | undefined> =>
  tx
    .selectFrom('reports')
    .selectAll()
    .select(sql<boolean | null>`moving_until > now()`.as('isMoving'))
    .where('id', '=', reportId)
    .forUpdate()
    .executeTakeFirst();

async function observe(tx: Db, seen: Observation): Promise<Observed> {
  const { reportId, system, ticketId, status, at, attributes, contact } = seen;
  const row = await readRow(tx, reportId);
  if (!row) return open(tx, seen);
  if (row.observedAt && at <= row.observedAt) return 'same';
  await refresh(tx, row, attributes, contact);
  return note(tx, { ...row, system, ticketId }, status, at);
}

async function observeGone(tx: Db, reportId: string, at: Date, again: number): Promise<Observed> {
  const row = await readRow(tx, reportId);
  if (!row?.system || !row.ticketId || (row.observedAt && at <= row.observedAt)) return 'same';
  if (row.goneAt && at.getTime() - row.goneAt.getTime() >= again) return note(tx, row, 'cancelled', at);
  await tx
    .updateTable('reports')
    .set({ goneAt: row.goneAt ?? at })
    .where('id', '=', reportId)
    .execute();
  await hint(tx, row.system, [row.ticketId], again);
  return 'same';
}

async function note(tx: Db, row: ObservedRow, status: ReportStatus, at: Date): Promise<Observed> {
  const { id, system, ticketId, isMoving } = row;
  if (isMoving) {
    if (system && ticketId) await hint(tx, system, [ticketId]);
    return 'same';
  }
  const isNew = row.observedStatus !== status;
  const state = stateOf(status);
  const isActedOn = changesBetween(row.state, state).length > 0;
  // The state counts, not the word: the ledger may hold a more exact status of the same state.
  const isMoved = isNew && stateOf(row.status) !== state && (isActedOn || row.state === state);
  await tx
    .updateTable('reports')
    .set({
      system,
      ticketId,
      ...(isMoved ? { status, statusReason: null } : {}),
      ...seenColumns({ status, at }),
      goneAt: null,
    })
    .where('id', '=', id)
    .execute();
  return isNew && isActedOn ? 'changed' : 'same';
}

async function open(tx: Db, seen: Observation): Promise<Observed> {
  const { reportId, system, ticketId, status, at, attributes, contact, openedAt } = seen;
  const state = stateOf(status);
  if (state === 'closed' || state === 'cancelled') return 'same';
  await addCustomer(tx, attributes.customerId);
  await tx
    .insertInto('reports')
    .values({
      id: reportId,
      ...attributes,
      status,
      openedAt: openedAt ?? at,
      externalId: ticketId,
      document: '{}',
      system,
      ticketId,
      observedStatus: status,
      observedAt: at,
      runId: null,
    })
    .execute();
  if (contact) await putContact(tx, reportId, contact);
  return 'opened';
}

/** Attributes are the system's: what was changed there is changed here. */
async function refresh(
  tx: Db,
  row: ReportRow,
  attributes: Observation['attributes'],
  contact: Contact | undefined,
): Promise<void> {
  if (row.forgottenAt) return;
  const known = toReport(row);
  const names = Object.keys(attributes) as (keyof typeof attributes)[];
  if (names.some((name) => attributes[name] !== known[name])) {
    await addCustomer(tx, attributes.customerId);
    const { customerId = null, serviceProblemId = null, ...others } = attributes;
    await tx
      .updateTable('reports')
      .set({ ...others, customerId, serviceProblemId, lastUpdate: sql<Date>`now()` })
      .where('id', '=', row.id)
      .execute();
  }
  if (contact) await putContact(tx, row.id, contact);
  else await tx.deleteFrom('contacts').where('reportId', '=', row.id).execute();
}
