/** All reports in our PostgreSQL, also those whose tickets live in an external system. */
import { sql } from 'kysely';
import type { Contact } from '../../contract/contact.js';
import { CloseoutError } from '../../contract/errors.js';
import type { NewReport, Report, ReportChanges, StatusChange } from '../../contract/reports.js';
import { isOpen } from '../../policy/status.js';
import { mergePatch } from '../../tmf621/merge-patch.js';
import { assertOfficial } from '../../tmf621/official.js';
import { now } from '../database/clock.js';
import type { Db, Tx } from '../database/database.js';
import { recountDaysOf } from '../figures/survey-counts.js';
import { addCustomer } from '../customers.js';
import { recordStatus } from './history.js';
import { listReports } from './list.js';
import { firstCycle, lock, noteRemoved, read } from './report-row.js';
import {
  columnsOf,
  contactColumns,
  isSameContact,
  toContact,
  toReport,
  toStatusChange,
  type ReportRow,
} from './row-mapping.js';

export interface ReportDetails {
  contact?: Contact;
  history: StatusChange[];
}

export interface ListQuery {
  /**
   * TMF621 attribute → values, of which one must match. Nested attributes are named with dots; values may also be separated by
   * commas; `.eq`, `.ne`, `.gt`, `.gte`, `.lt` and `.lte` after the name compare.
   */
  filter: Record<string, string | string[]>;
  /** Attributes, with the prefix `-` for descending order; newest first if absent. */
  sort?: string[];
  offset: number;
  limit: number;
}

/** Unknown ids throw `ReportNotFound`. Nothing is half done when a method throws. */
export interface ReportStore {
  /** Throws `ReportExists` if the id is taken. */
  open(report: NewReport & { id: string }): Promise<Report>;
  /** Returns the report with the same external id, if there is one. */
  openOnce(report: NewReport & { id: string; externalId: string }): Promise<{ report: Report; isNew: boolean }>;
  /** Removes a report and everything about it. Its run must have ended. */
  remove(id: string): Promise<void>;
  get(id: string): Promise<Report>;
  contactOf(id: string): Promise<Contact | undefined>;
  /** Contact and status changes of each report, oldest first. */
  detailsOf(ids: string[]): Promise<Map<string, ReportDetails>>;
  list(query: ListQuery): Promise<{ reports: Report[]; total: number }>;
  /** Changes attributes, and moves a report that is still open to another open status. Nothing is changed if `assertFits` throws. */
  update(id: string, changes: ReportChanges, assertFits?: (report: Report) => void, by?: string): Promise<Report>;
  /** Stores the reason of a change, which may be a customer's words, before the change is signalled. Safe to repeat. */
  addReason(id: string, changeId: string, reason: string): Promise<void>;
  hasReportsOf(serviceProblemId: string): Promise<boolean>;
}

export function reportStore(db: Db, forLists: Db): ReportStore {
  const inTransaction = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.transaction().execute(work);
  return {
    open: (report) => insert(db, report),
    openOnce: (report) => inTransaction((tx) => insertOnce(tx, report)),
    get: async (id) => toReport(await read(db, id)),
    contactOf: (id) => contactOf(db, id),
    detailsOf: (ids) => detailsOf(db, ids),
    list: (query) => listReports(forLists, query),
    remove: (id) => inTransaction((tx) => remove(tx, id)),
    update: (id, changes, ...rest) => inTransaction((tx) => update(tx, id, changes, ...rest)),

    async addReason(reportId, id, reason) {
      await db
        .insertInto('changeReasons')
        .values({ id, reportId, reason })
        .onConflict((c) => c.doNothing())
        .execute();
    },

    async hasReportsOf(serviceProblemId) {
      const reports = db.selectFrom('reports').select('id').where('serviceProblemId', '=', serviceProblemId);
      return (await reports.limit(1).executeTakeFirst()) !== undefined;
    },
  };
}

/** In one statement: the report, its customer, its contact, and the start of its history. */
async function insert(db: Db, { contact, ...report }: NewReport & { id: string }): Promise<Report> {
  const { id, status = 'acknowledged', statusReason, description, severity, ticketType, name, priority } = report;
  const { externalId, customerId, serviceProblemId, openedAt = now(), openedBy, document = {} } = report;
  const attributes = contact?.attributes && JSON.stringify(contact.attributes);
  const { rows } = await sql<ReportRow>`
    with opened as (
      insert into reports (id, status, status_reason, description, severity, ticket_type, name, priority, external_id, customer_id,
        service_problem_id, opened_at, last_update, document, cycle, first_cycle, run_id)
      select ${id}, ${status}, ${statusReason}, ${description}, ${severity}, ${ticketType}, ${name}, ${priority}, ${externalId}, ${customerId},
        ${serviceProblemId}, ${openedAt}::timestamptz, greatest(now(), ${openedAt}::timestamptz),
        ${JSON.stringify(mergePatch({}, document))}::jsonb, first.cycle, first.cycle, null
      from (select ${firstCycle(id)} as cycle) as first
      on conflict (id) do nothing returning *),
    customer as (
      insert into customers (id) select customer_id from opened where customer_id is not null on conflict do nothing),
    contact as (
      insert into contacts (report_id, name, email_address, preferred_language, time_zone, attributes)
      select id, ${contact?.name}, ${contact?.emailAddress}, ${contact?.preferredLanguage}, ${contact?.timeZone}, ${attributes}::jsonb
      from opened where ${contact !== undefined}),
    noted as (
      insert into status_changes (report_id, cycle, status, at, by, reason)
      select id, cycle, status, opened_at, ${openedBy}::text, status_reason from opened
      on conflict (report_id, status, at) do nothing)
    select * from opened`.execute(db);
  const [row] = rows;
  if (!row) throw new CloseoutError('ReportExists', `Report ${id} already exists; choose another id.`, 'id');
  return toReport(row);
}

/** Two requests with the same external id that come together are one. */
async function insertOnce(tx: Tx, report: NewReport & { id: string; externalId: string }) {
  await sql`select pg_advisory_xact_lock(hashtextextended(${report.externalId}, 621))`.execute(tx);
  // The id of a ticket in an external system is another matter.
  const known = tx
    .selectFrom('reports')
    .selectAll()
    .where('externalId', '=', report.externalId)
    .where('system', 'is', null);
  const row = await known.orderBy('openedAt', 'desc').limit(1).executeTakeFirst();
  return row ? { report: toReport(row), isNew: false } : { report: await insert(tx, report), isNew: true };
}

/** Its history, too, which no foreign key removes: it may hold a customer's words, and the id may be used again. */
async function remove(tx: Tx, id: string): Promise<void> {
  const { cycle } = await lock(tx, id);
  await noteRemoved(tx, id, cycle);
  await recountDaysOf(tx, id);
  const surveys = tx.selectFrom('surveys').select('id').where('reportId', '=', id);
  await tx.deleteFrom('surveyEvents').where('surveyId', 'in', surveys).execute();
  await tx.deleteFrom('statusChanges').where('reportId', '=', id).execute();
  await tx.deleteFrom('reports').where('id', '=', id).execute();
}

async function update(
  tx: Tx,
  id: string,
  changes: ReportChanges,
  assertFits?: (report: Report) => void,
  by?: string,
): Promise<Report> {
  const { document, contact, status, statusReason, customerId } = changes;
  const row = await lock(tx, id);
  assertFits?.(toReport(row));
  await assertOurs(tx, row, changes);
  const isMove = status !== undefined && status !== row.status && isOpen(row.status) && row.state === 'open';
  const isNewReason = statusReason !== undefined && statusReason !== row.statusReason;
  if (!isMove && !isNewReason && isEmpty(changes)) return toReport(row); // otherwise listeners would be notified of a change
  await addCustomer(tx, customerId ?? undefined);
  if (isMove) await recordStatus(tx, row, [{ status, at: now(), by, reason: statusReason }]);
  if (contact) await putContact(tx, id, contact);
  if (contact === null) await tx.deleteFrom('contacts').where('reportId', '=', id).execute();
  const updated = await tx
    .updateTable('reports')
    .set({
      ...columnsOf(changes),
      status: isMove ? status : undefined,
      statusReason: isMove ? (statusReason ?? null) : statusReason,
      document: JSON.stringify(patched(row.document, document)),
      lastUpdate: sql`now()`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  // The trigger notes the move alone.
  if (isMove && !isEmpty(changes)) await noteChange(tx, updated);
  return toReport(updated);
}

async function noteChange(tx: Tx, { id, cycle, status }: ReportRow): Promise<void> {
  const details = JSON.stringify({ status, isMoved: false });
  await sql`select note_event('report.changed', ${id}, ${cycle}, null, ${details}::jsonb)`.execute(tx);
}

const ofTicket = [
  'externalId',
  'name',
  'description',
  'severity',
  'ticketType',
  'customerId',
  'serviceProblemId',
] as const;

/** Throws `StatusConflict` for what is read from the ticket of an external system: the next reading would undo the change. */
async function assertOurs(tx: Tx, row: ReportRow, changes: ReportChanges): Promise<void> {
  if (row.system === null) return;
  const isOther = (name: (typeof ofTicket)[number]) =>
    changes[name] !== undefined && (changes[name] ?? null) !== row[name];
  const { contact } = changes;
  const isKept = contact === undefined || isSameContact(contact ?? undefined, await contactOf(tx, row.id));
  const field = ofTicket.find(isOther) ?? (isKept ? undefined : 'contact');
  if (field !== undefined)
    throw new CloseoutError(
      'StatusConflict',
      `Report ${row.id} lives in ${row.system}; change its ${field} there.`,
      field,
    );
}

/** Throws `BadInput` if what results is no ticket of the standard: a patch may hold half of an object. */
function patched(stored: Record<string, unknown>, patch: Record<string, unknown> = {}): Record<string, unknown> {
  if (Object.keys(patch).length === 0) return stored;
  const document = mergePatch(stored, { ...patch, ...notesOf(stored, patch) });
  assertOfficial('patch', document);
  return document;
}

/** Notes are append-only: those that are sent again are not added twice, and those that are not sent stay. */
function notesOf(before: Record<string, unknown>, { note }: Record<string, unknown> = {}): { note?: unknown[] } {
  if (!Array.isArray(note)) return {};
  const known = Array.isArray(before['note']) ? (before['note'] as unknown[]) : [];
  return { note: [...known, ...(note as unknown[]).filter((each) => !known.some((other) => isSameNote(other, each)))] };
}

/** By the id if both have one, else by what they say. */
function isSameNote(a: unknown, b: unknown): boolean {
  const [one, other] = [a, b] as { id?: unknown; text?: unknown; author?: unknown }[];
  if (one?.id !== undefined && other?.id !== undefined) return one.id === other.id;
  return one?.text === other?.text && (other?.author === undefined || one?.author === other.author);
}

const isEmpty = ({ status: _, statusReason: __, document = {}, ...others }: ReportChanges): boolean =>
  [...Object.values(others), ...Object.values(document)].every((value) => value === undefined);

export async function putContact(tx: Db, reportId: string, contact: Contact): Promise<void> {
  const { attributes, ...others } = contactColumns(contact);
  const columns = { ...others, attributes: attributes && JSON.stringify(attributes) };
  await tx
    .insertInto('contacts')
    .values({ reportId, ...columns })
    .onConflict((c) => c.column('reportId').doUpdateSet(columns))
    .execute();
}

export async function contactOf(db: Db, id: string): Promise<Contact | undefined> {
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
