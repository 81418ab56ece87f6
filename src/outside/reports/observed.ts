/**
 * Reports that live in external systems: what was seen of them there. An observation counts if it differs from the last one and its
 * reading began later. It only sets the status; what that means is decided by the report's run.
 */
import { sql } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import type { ReportAttributes, ReportStatus } from '../../contract/reports.js';
import { stateOf } from '../../policy/status.js';
import { later, minute } from '../../policy/time.js';
import { addCustomer } from '../customers.js';
import type { Db } from '../database/database.js';
import { putContact } from './store.js';
import { toReport, type ReportRow } from './rows.js';

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

export interface ObservedReports {
  /** Tickets that had ended before they were seen are not opened. */
  observe(observation: Observation): Promise<Observed>;
  /** The ticket is no longer there. */
  observeGone(reportId: string, at: Date): Promise<Observed>;
  /** The ticket behind a report; undefined if the report lives in our own store. */
  ticketOf(reportId: string): Promise<KnownTicket | undefined>;
  /** A change of ours begins in the system. */
  beginMove(reportId: string): Promise<void>;
  /** It has ended; `seen`: what was read then. */
  endMove(reportId: string, seen?: Pick<Observation, 'status' | 'at'>): Promise<void>;
  /** The tickets of reports that have not ended. */
  unfinished(system: string): Promise<string[]>;
}

/** An activity that changes a ticket has ended by then. */
const longestMove = 5 * minute;

export function observedReports(db: Db): ObservedReports {
  return {
    observe: (observation) => db.transaction().execute((tx) => observe(tx, observation)),
    observeGone: (reportId, at) => db.transaction().execute((tx) => observeGone(tx, reportId, at)),

    async ticketOf(reportId) {
      const row = await db
        .selectFrom('reports')
        .select(['system', 'ticketId', 'observedStatus'])
        .where('id', '=', reportId)
        .executeTakeFirst();
      if (!row?.system || !row.ticketId) return undefined;
      return { system: row.system, ticketId: row.ticketId, observed: row.observedStatus ?? 'inProgress' };
    },

    async beginMove(reportId) {
      const movingUntil = later(new Date(), longestMove);
      await db.updateTable('reports').set({ movingUntil }).where('id', '=', reportId).execute();
    },

    async endMove(reportId, seen) {
      await db
        .updateTable('reports')
        .set({ movingUntil: null, observedStatus: seen?.status, observedAt: seen?.at })
        .where('id', '=', reportId)
        .execute();
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

async function observe(tx: Db, seen: Observation): Promise<Observed> {
  const { reportId, system, ticketId, status, at, attributes, contact } = seen;
  const row = await tx.selectFrom('reports').selectAll().where('id', '=', reportId).forUpdate().executeTakeFirst();
  if (!row) return open(tx, seen);
  if (row.observedAt && at <= row.observedAt) return 'same';
  await refresh(tx, row, attributes, contact);
  return note(tx, { ...row, system, ticketId }, status, at);
}

async function observeGone(tx: Db, reportId: string, at: Date): Promise<Observed> {
  const row = await tx.selectFrom('reports').selectAll().where('id', '=', reportId).forUpdate().executeTakeFirst();
  return !row || (row.observedAt && at <= row.observedAt) ? 'same' : note(tx, row, 'cancelled', at);
}

async function note(tx: Db, row: ReportRow, status: ReportStatus, at: Date): Promise<Observed> {
  const { id, system, ticketId, movingUntil } = row;
  if (movingUntil && movingUntil > new Date()) return 'same';
  const isNew = row.observedStatus !== status;
  // The state counts, not the word: the ledger may hold a more exact status of the same state.
  const set = isNew && stateOf(row.status) !== stateOf(status) ? { status, statusReason: null } : {};
  await tx
    .updateTable('reports')
    .set({ system, ticketId, ...set, observedStatus: status, observedAt: at })
    .where('id', '=', id)
    .execute();
  return isNew && stateOf(status) !== row.state ? 'changed' : 'same';
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
    await tx
      .updateTable('reports')
      .set({ ...attributes, lastUpdate: sql<Date>`now()` })
      .where('id', '=', row.id)
      .execute();
  }
  if (contact) await putContact(tx, row.id, contact);
}
