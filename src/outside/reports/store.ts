/** The default system of record: reports in our own PostgreSQL. */
import { sql, type Transaction } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import { CloseoutError } from '../../contract/errors.js';
import {
  reportStatuses,
  type NewReport,
  type Report,
  type ReportChanges,
  type ReportStatus,
} from '../../contract/reports.js';
import { isOpen } from '../../policy/status.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import { addCustomer } from '../customers.js';
import { recordStatus } from './history.js';
import type { ListQuery, ReportDetails, ReportsPort } from './port.js';
import { lock, read } from './row-lock.js';
import { columnsOf, toContact, toReport, toStatusChange, type ReportRow } from './rows.js';

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

    async addReason(reportId, id, reason) {
      await db
        .insertInto('changeReasons')
        .values({ id, reportId, reason })
        .onConflict((c) => c.doNothing())
        .execute();
    },

    async countOf(serviceProblemId) {
      const rows = await db
        .selectFrom('reports')
        .select(['status', (eb) => eb.fn.countAll<string>().as('count')])
        .where('serviceProblemId', '=', serviceProblemId)
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },
  };
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
      runId: null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new CloseoutError('ReportExists', `There is a report ${id} already; choose another id.`, 'id');
  await recordStatus(tx, row, [{ status, at: openedAt }]);
  if (report.contact) await putContact(tx, id, report.contact);
  return toReport(row);
}

async function update(tx: Tx, id: string, changes: ReportChanges): Promise<Report> {
  const { document, contact, status, statusReason, customerId } = changes;
  const row = await lock(tx, id);
  const isMove = status !== undefined && status !== row.status && isOpen(row.status) && row.state === 'open';
  if (!isMove && isEmpty(changes)) return toReport(row); // otherwise listeners would be notified of a change
  await addCustomer(tx, customerId ?? undefined);
  if (isMove) await recordStatus(tx, row, [{ status, at: new Date(), reason: statusReason }]);
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

const isEmpty = ({ status: _, statusReason: __, document = {}, ...others }: ReportChanges): boolean =>
  [...Object.values(others), ...Object.values(document)].every((value) => value === undefined);

/** As JSON. */
const withoutNulls = (document: Record<string, unknown>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null)));

export async function putContact(tx: Db, reportId: string, contact: Contact): Promise<void> {
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
  const changes = await db.selectFrom('statusChanges').selectAll().where('reportId', 'in', ids).orderBy('id').execute();
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
