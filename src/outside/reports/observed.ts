/**
 * Reports that live in external systems: what was seen of them there. A reading counts only if it differs from the last one and began
 * after it. It only sets the status; what that means is decided by the report's run.
 */
import { sql } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import { CloseoutError } from '../../contract/errors.js';
import type { ReportAttributes, ReportStatus } from '../../contract/reports.js';
import { storable } from '../../contract/text.js';
import { changesBetween } from '../../policy/changes.js';
import { hasEnded, stateOf } from '../../policy/status.js';
import { second } from '../../policy/time.js';
import { addCustomer } from '../customers.js';
import type { Db } from '../database/database.js';
import { hint } from '../system-states.js';
import { firstCycle } from './report-row.js';
import { isSameContact, toReport, type ReportRow } from './row-mapping.js';
import { contactOf, putContact } from './store.js';

/** A ticket as it was seen. */
export interface Observation {
  /** The report of a ticket that is new has the first of these ids that is free. */
  reportIds: [string, ...string[]];
  system: string;
  ticketId: string;
  status: ReportStatus;
  /** When its reading began. */
  at: Date;
  attributes: Omit<ReportAttributes, 'externalId' | 'priority'>;
  contact: Contact | undefined;
  openedAt: Date | undefined;
}

/** `opened`: it was not known; `changed`: its run has to look again; `ended`: it was over when it was first seen, so it has no report. */
export type Observed = { outcome: 'opened' | 'changed' | 'same'; reportId: string } | { outcome: 'ended' };

/** A ticket by its own id. */
export interface TicketId {
  system: string;
  ticketId: string;
}

/** The ticket behind a report. */
export interface KnownTicket extends TicketId {
  /** What the system last said. */
  observed: ReportStatus;
}

/** A status that was read in the system, and when that reading began. */
export interface Seen {
  status: ReportStatus;
  at: Date;
}

export interface ObservedReports {
  observe(observation: Observation): Promise<Observed>;
  /** A ticket that was just opened; the id of its report. Throws `StatusConflict` if it is over already. */
  observeOpened(observation: Observation): Promise<string>;
  /** The ticket was not found. It counts as gone if it is still not found `again` ms later. Undefined if it is not known. */
  observeGone(ticket: TicketId, at: Date, again: number): Promise<Observed | undefined>;
  /** The ticket behind a report; undefined if the report lives in our own store. */
  ticketOf(reportId: string): Promise<KnownTicket | undefined>;
  /** A change of ours was made there and read again. Counts only while the report is in that state: otherwise the ticket is read again. */
  noteMoved(reportId: string, seen: Seen): Promise<void>;
  /** Which of these tickets have a report. */
  withReports(system: string, ticketIds: string[]): Promise<Set<string>>;
  /** The tickets of reports that have not ended. */
  unfinished(system: string): Promise<string[]>;
}

export function observedReports(db: Db): ObservedReports {
  return {
    observe: (observation) => db.transaction().execute((tx) => observe(tx, observation)),

    async observeOpened(observation) {
      const seen = await this.observe(observation);
      if (seen.outcome !== 'ended') return seen.reportId;
      const { system, ticketId, status } = observation;
      throw new CloseoutError(
        'StatusConflict',
        `Ticket ${ticketId} of ${system}, which was just opened, is ${status}.`,
      );
    },

    observeGone: (ticket, at, again) => db.transaction().execute((tx) => observeGone(tx, ticket, at, again)),

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

    async withReports(system, ticketIds) {
      const ids = ticketIds.map(storable);
      const { rows } = await sql<{ ticketId: string }>`
        select ticket_id from reports where system = ${system} and ticket_id = any(${ids})`.execute(db);
      return new Set(rows.map(({ ticketId }) => ticketId));
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

type ObservedRow = ReportRow & TicketId & { isMoving: boolean | null };

/** By the ticket, not by the report's id: the id may belong to a report of another system, or of our own store. */
const readRow = async (tx: Db, { system, ticketId }: TicketId): Promise<ObservedRow | undefined> => {
  const row = await tx
    .selectFrom('reports')
    .selectAll()
    .select(sql<boolean | null>`moving_until > now()`.as('isMoving'))
    .where('system', '=', system)
    .where('ticketId', '=', ticketId)
    .forUpdate()
    .executeTakeFirst();
  return row && { ...row, system, ticketId };
};

async function observe(tx: Db, seen: Observation): Promise<Observed> {
  const { status, at, attributes, contact } = seen;
  const row = (await readRow(tx, seen)) ?? (await open(tx, seen));
  if ('outcome' in row) return row;
  if (row.observedAt && at <= row.observedAt) return { reportId: row.id, outcome: 'same' };
  await refresh(tx, row, attributes, contact);
  return note(tx, row, status, at);
}

async function observeGone(tx: Db, ticket: TicketId, at: Date, again: number): Promise<Observed | undefined> {
  const row = await readRow(tx, ticket);
  if (!row) return undefined;
  const same = { reportId: row.id, outcome: 'same' } as const;
  if (row.observedAt && at <= row.observedAt) return same;
  if (row.goneAt && at.getTime() - row.goneAt.getTime() >= again) return note(tx, row, 'cancelled', at);
  await tx
    .updateTable('reports')
    .set({ goneAt: row.goneAt ?? at })
    .where('id', '=', row.id)
    .execute();
  await hint(tx, row.system, [row.ticketId], again);
  return same;
}

async function note(tx: Db, row: ObservedRow, status: ReportStatus, at: Date): Promise<Observed> {
  const { id, system, ticketId, isMoving } = row;
  if (isMoving) {
    // Later: each reading delays the change itself.
    await hint(tx, system, [ticketId], 5 * second);
    return { reportId: id, outcome: 'same' };
  }
  const isNew = row.observedStatus !== status;
  const state = stateOf(status);
  const isActedOn = changesBetween(row.state, state).length > 0;
  // The state counts, not the word: the ledger may hold a more exact status of the same state.
  const isMoved = isNew && stateOf(row.status) !== state && (isActedOn || row.state === state);
  await tx
    .updateTable('reports')
    .set({
      ...(isMoved ? { status, statusReason: null } : {}),
      ...seenColumns({ status, at }),
      goneAt: null,
    })
    .where('id', '=', id)
    .execute();
  return { reportId: id, outcome: isNew && isActedOn ? 'changed' : 'same' };
}

/** Or returns the report that another process has opened for the ticket meanwhile. */
async function open(tx: Db, seen: Observation): Promise<Observed | ObservedRow> {
  const { reportIds, system, ticketId, status, at, attributes, contact, openedAt } = seen;
  const state = stateOf(status);
  if (hasEnded(state)) return { outcome: 'ended' };
  await addCustomer(tx, attributes.customerId);
  for (const id of reportIds) {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('reports')
      .values({
        id,
        ...attributes,
        status,
        cycle: firstCycle(id),
        firstCycle: firstCycle(id),
        openedAt: openedAt ?? at,
        externalId: ticketId,
        document: '{}',
        system,
        ticketId,
        observedStatus: status,
        observedAt: at,
        runId: null,
      })
      .onConflict((c) => c.doNothing())
      .executeTakeFirstOrThrow();
    if (!numInsertedOrUpdatedRows) continue;
    if (contact) await putContact(tx, id, contact);
    return { reportId: id, outcome: 'opened' };
  }
  const opened = await readRow(tx, seen);
  if (opened) return opened;
  throw new CloseoutError(
    'ReportExists',
    `The report ids ${reportIds.join(' and ')} belong to other tickets, so ticket ${ticketId} cannot be stored.`,
  );
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
  const isNewContact = !isSameContact(contact, await contactOf(tx, row.id));
  const isErased = row.externalId === null; // and has been reopened since
  if (isNewContact || isErased || names.some((name) => attributes[name] !== known[name])) {
    await addCustomer(tx, attributes.customerId);
    const { customerId = null, serviceProblemId = null, ...others } = attributes;
    await tx
      .updateTable('reports')
      .set({ ...others, customerId, serviceProblemId, externalId: row.ticketId, lastUpdate: sql<Date>`now()` })
      .where('id', '=', row.id)
      .execute();
  }
  if (!isNewContact) return;
  if (contact) await putContact(tx, row.id, contact);
  else await tx.deleteFrom('contacts').where('reportId', '=', row.id).execute();
}
