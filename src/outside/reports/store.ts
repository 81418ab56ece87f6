/** The default system of record: reports in our own PostgreSQL. */
import { sql, type Transaction, type Updateable } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import { CloseoutError } from '../../contract/errors.js';
import {
  reportStatuses,
  type ChangeKind,
  type NewReport,
  type Report,
  type ReportChanges,
  type ReportStatus,
  type StatusChange,
} from '../../contract/reports.js';
import { apply, isLate, isOpen, stateAfter, statusAfter, type ReportState } from '../../policy/status.js';
import { missedChange } from '../../policy/sweep.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import { addCustomer } from '../customers.js';
import type { Closing, ListQuery, ReportDetails, ReportedChange, ReportsPort } from './port.js';
import { columnsOf, toContact, toReport, toState, toStatusChange, toSwept, type ReportRow } from './rows.js';
import { markNotified, sweeping } from './sweeping.js';

type Tx = Transaction<Database>;

export function reportStore(db: Db): ReportsPort {
  const inTransaction = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.transaction().execute(work);
  return {
    open: (report) => inTransaction((tx) => insert(tx, report)),
    get: async (id) => toReport(await read(db, id)),
    contactOf: (id) => contactOf(db, id),
    detailsOf: (ids) => detailsOf(db, ids),
    list: (query) => list(db, query),
    update: (id, changes) => inTransaction((tx) => update(tx, id, changes)),
    change: (id, change) => inTransaction((tx) => applyChange(tx, id, change)),
    close: (id, closing) => inTransaction((tx) => close(tx, id, closing)),
    startNextCycle: (id) => inTransaction((tx) => startNextCycle(tx, id)),

    async beginRun(id) {
      const row = await read(db, id);
      const swept = toSwept(row);
      if (missedChange(swept)) await markNotified(db, swept);
      return toReport(row);
    },

    ...sweeping(db),
  };
}

async function read(db: Db, id: string): Promise<ReportRow> {
  return assertFound(id, await db.selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirst());
}

async function lock(tx: Tx, id: string): Promise<ReportRow> {
  const locked = tx.selectFrom('reports').selectAll().where('id', '=', id).forUpdate();
  return assertFound(id, await locked.executeTakeFirst());
}

function assertFound(id: string, row: ReportRow | undefined): ReportRow {
  if (!row) throw new CloseoutError('ReportNotFound', `There is no report ${id}.`);
  return row;
}

async function insert(tx: Tx, report: NewReport & { id: string }): Promise<Report> {
  await addCustomer(tx, report.customerId);
  const { id, description, severity, ticketType, status = 'acknowledged' } = report;
  const openedAt = new Date(report.openedAt ?? Date.now());
  const row = await tx
    .insertInto('reports')
    .values({
      ...columnsOf(report),
      id,
      description,
      severity,
      ticketType,
      status,
      openedAt,
      document: withoutNulls(report.document ?? {}),
      runCycle: 0,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new CloseoutError('ReportExists', `There is a report ${id} already; choose another id.`, 'id');
  await record(tx, row, [{ status, at: openedAt }]);
  if (report.contact) await putContact(tx, id, report.contact);
  return toReport(row);
}

async function update(tx: Tx, id: string, changes: ReportChanges): Promise<Report> {
  const { document, contact, status, statusReason, customerId } = changes;
  const row = await lock(tx, id);
  const isMove = status !== undefined && status !== row.status && isOpen(row.status);
  await addCustomer(tx, customerId ?? undefined);
  if (isMove) await record(tx, row, [{ status, at: new Date(), reason: statusReason }]);
  if (contact) await putContact(tx, id, contact);
  if (contact === null) await tx.deleteFrom('contacts').where('reportId', '=', id).execute();
  const updated = await tx
    .updateTable('reports')
    .set({
      ...columnsOf(changes),
      status: isMove ? status : undefined,
      statusReason: isMove ? (statusReason ?? null) : statusReason,
      document: withoutNulls({ ...row.document, ...document }),
      lastUpdate: sql`now()`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toReport(updated);
}

/** As JSON. */
const withoutNulls = (document: Record<string, unknown>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null)));

const notCleared = { clearedAt: null, clearReceivedAt: null, closedAt: null };

/** The times that an applied change sets. */
const timesAfter = (kind: ChangeKind, at: string) => {
  if (kind === 'cleared') return { clearedAt: at, clearReceivedAt: sql<Date>`now()` };
  return kind === 'reopened' ? notCleared : {};
};

/** The only place that decides what a reported change makes of the stored report. Locks the report. */
async function applyChange(tx: Tx, id: string, change: ReportedChange): Promise<ReportState> {
  const { kind, at, by, reason, status = statusAfter[kind] } = change;
  const row = await lock(tx, id);
  const before = toState(row);
  const applied = apply(before, change);
  const after = applied ?? before;
  const isApplied = after.state !== before.state;
  const cycle = isApplied && before.state === 'closed' ? row.cycle + 1 : row.cycle;
  await record(tx, { id, cycle }, [{ status, at: new Date(at), by, reason }], isApplied);
  const runKnows = change.run === 'caller' || (change.run === 'signalled' && after.state === stateAfter[kind]);
  // The report's run may have made the same change first, but a run never knows the reason.
  const addsReason = !isApplied && !!reason && at === before.changedAt;
  if (applied || runKnows) {
    const columns: Updateable<Database['reports']> = { changedAt: after.changedAt };
    if (runKnows) Object.assign(columns, { runState: after.state, runCycle: cycle });
    if (addsReason) columns.statusReason = reason;
    if (isApplied) Object.assign(columns, { status, cycle, statusReason: reason ?? null, ...timesAfter(kind, at) });
    const lastUpdate = isApplied ? sql<Date>`now()` : undefined;
    await tx
      .updateTable('reports')
      .set({ ...columns, lastUpdate })
      .where('id', '=', id)
      .execute();
  }
  return { ...after, cycle };
}

async function close(tx: Tx, id: string, closing: Closing): Promise<ReportState> {
  const { cycle, clearedAt, clearReceivedAt, clearedBy, byHand } = closing;
  const row = await lock(tx, id);
  const current = toState(row);
  if (current.state === 'cancelled')
    throw new CloseoutError('ClosureRefused', `Report ${id} is ${row.status}; only a cleared report can be closed.`);
  const isReopened = current.state === 'open' && isLate(clearedAt, current.changedAt);
  if (current.state === 'closed' || row.cycle !== cycle || (isReopened && !byHand)) {
    await markNotified(tx, toSwept(row)); // the run is the caller, and now knows
    return current;
  }
  const now = new Date();
  const cleared: RecordedChange = { status: 'resolved', at: new Date(clearedAt), by: clearedBy };
  const closed: RecordedChange = { status: 'closed', at: now, by: byHand ? 'operator' : 'closeout' };
  await record(tx, row, row.status === 'resolved' ? [closed] : [cleared, closed]);
  await tx
    .updateTable('reports')
    .set({
      status: 'closed',
      changedAt: clearedAt,
      clearedAt,
      clearReceivedAt: row.clearReceivedAt ?? clearReceivedAt,
      closedAt: now,
      lastUpdate: now,
      runState: 'closed',
      runCycle: cycle,
    })
    .where('id', '=', id)
    .execute();
  return { state: 'closed', cycle, changedAt: clearedAt };
}

async function startNextCycle(tx: Tx, id: string): Promise<void> {
  const row = await lock(tx, id);
  if (!isOpen(row.status) || row.runState !== 'closed' || row.cycle !== row.runCycle) return; // started before
  const cycle = row.cycle + 1;
  await record(tx, { id, cycle }, [{ status: row.status, at: new Date() }]);
  const changes = { ...notCleared, cycle, lastUpdate: sql<Date>`now()` };
  await tx.updateTable('reports').set(changes).where('id', '=', id).execute();
}

interface RecordedChange {
  status: StatusChange['status'];
  at: Date;
  by?: string;
  reason?: string;
}

/** Adds to the status history. A change that was recorded before only gains what it lacked. */
async function record(
  tx: Tx,
  { id, cycle }: { id: string; cycle: number },
  changes: RecordedChange[],
  applied = true,
): Promise<void> {
  await tx
    .insertInto('statusChanges')
    .values(changes.map((change) => ({ ...change, reportId: id, cycle, applied })))
    .onConflict((c) =>
      c.columns(['reportId', 'status', 'at']).doUpdateSet({
        by: sql`coalesce(status_changes.by, excluded.by)`,
        reason: sql`coalesce(status_changes.reason, excluded.reason)`,
      }),
    )
    .execute();
}

async function putContact(tx: Tx, reportId: string, contact: Contact): Promise<void> {
  const columns = {
    name: contact.name ?? null,
    emailAddress: contact.emailAddress ?? null,
    preferredLanguage: contact.preferredLanguage ?? null,
    timeZone: contact.timeZone ?? null,
    attributes: contact.attributes ? JSON.stringify(contact.attributes) : null,
  };
  await tx
    .insertInto('contacts')
    .values({ reportId, ...columns })
    .onConflict((c) => c.column('reportId').doUpdateSet(columns))
    .execute();
}

async function contactOf(db: Db, id: string): Promise<Contact | undefined> {
  const row = await db.selectFrom('contacts').selectAll().where('reportId', '=', id).executeTakeFirst();
  return row && toContact(row);
}

async function detailsOf(db: Db, ids: string[]): Promise<Map<string, ReportDetails>> {
  const details = new Map<string, ReportDetails>(ids.map((id) => [id, { history: [] }]));
  if (ids.length === 0) return details;
  const contacts = await db.selectFrom('contacts').selectAll().where('reportId', 'in', ids).execute();
  const changes = await db
    .selectFrom('statusChanges')
    .selectAll()
    .where('reportId', 'in', ids)
    .where('applied', '=', true)
    .orderBy('id')
    .execute();
  for (const row of contacts) Object.assign(details.get(row.reportId) ?? {}, { contact: toContact(row) });
  for (const row of changes) details.get(row.reportId)?.history.push(toStatusChange(row));
  return details;
}

/** The TMF621 attributes that a list can be filtered by. */
const filters = [
  'id',
  'status',
  'severity',
  'ticketType',
  'priority',
  'externalId',
  'name',
  'description',
] as const satisfies (keyof ReportRow)[];

function statusesIn(text: string): ReportStatus[] {
  return text.split(',').map((word) => {
    const status = reportStatuses.find((known) => known === word.trim());
    if (status) return status;
    const message = `status must be one or more of ${reportStatuses.join(', ')}, separated by commas, not "${word}".`;
    throw new CloseoutError('BadInput', message, 'status');
  });
}

async function list(db: Db, { filter, offset, limit }: ListQuery): Promise<{ reports: Report[]; total: number }> {
  let query = db.selectFrom('reports');
  for (const [attribute, value] of Object.entries(filter)) {
    const column = filters.find((name) => name === attribute);
    if (!column) {
      const message = `Reports cannot be filtered by "${attribute}"; allowed are ${filters.join(', ')}.`;
      throw new CloseoutError('BadInput', message, attribute);
    }
    query =
      column === 'status' ? query.where('status', 'in', statusesIn(value)) : query.where(column, '=', value as never);
  }
  const { total } = await query.select((eb) => eb.fn.countAll<string>().as('total')).executeTakeFirstOrThrow();
  const rows = await query.selectAll().orderBy('openedAt', 'desc').orderBy('id').offset(offset).limit(limit).execute();
  return { reports: rows.map(toReport), total: Number(total) };
}
