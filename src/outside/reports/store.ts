/** The default system of record: reports in our own PostgreSQL. */
import { sql, type Selectable, type Transaction } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import type { Contact, NewReport, Report, StatusChange } from '../../contract/reports.js';
import { apply, isLate, isOpen, situationOf } from '../../policy/status.js';
import { missedChange } from '../../policy/sweep.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
import type { ListQuery, ReportDetails, ReportedChange, ReportsPort, Standing } from './port.js';
import { settle, toWatched, watching } from './sweeping.js';

type Row = Selectable<Database['reports']>;
type Tx = Transaction<Database>;

export function reportStore(db: Db): ReportsPort {
  const read = async (id: string) =>
    known(id, await db.selectFrom('reports').selectAll().where('id', '=', id).executeTakeFirst());

  return {
    open: (report) => db.transaction().execute((tx) => insert(tx, report)),

    get: async (id) => toReport(await read(id)),

    async lookUp(id) {
      const row = await read(id);
      const watched = toWatched(row);
      if (missedChange(watched)) await settle(db, watched);
      return toReport(row);
    },

    ...watching(db),

    startCycle: (id) =>
      db.transaction().execute(async (tx) => {
        const row = await lock(tx, id);
        if (!isOpen(row.status) || row.run_status !== 'closed' || row.cycle !== row.run_cycle) return; // done before
        const cycle = row.cycle + 1;
        await record(tx, { id, cycle }, [{ status: row.status, at: new Date(), by: null }]);
        const began = { ...notCleared, cycle, last_update: sql<Date>`now()` };
        await tx.updateTable('reports').set(began).where('id', '=', id).execute();
      }),

    async contactOf(id) {
      const row = await db.selectFrom('contacts').selectAll().where('report_id', '=', id).executeTakeFirst();
      return row && toContact(row);
    },

    async detailsOf(ids) {
      const details = new Map<string, ReportDetails>(ids.map((id) => [id, { history: [] }]));
      if (ids.length === 0) return details;
      const contacts = db.selectFrom('contacts').selectAll().where('report_id', 'in', ids).execute();
      const changes = db
        .selectFrom('status_changes')
        .selectAll()
        .where('report_id', 'in', ids)
        .where('applied', '=', true);
      for (const row of await contacts) Object.assign(details.get(row.report_id) ?? {}, { contact: toContact(row) });
      for (const row of await changes.orderBy('id').execute()) details.get(row.report_id)?.history.push(toChange(row));
      return details;
    },

    list: (query) => list(db, query),

    amend: (id, changes) => db.transaction().execute((tx) => amend(tx, id, changes)),

    change: (id, change) => db.transaction().execute((tx) => applyChange(tx, id, change)),

    close: (id, { cycle, clearedAt, clearReceivedAt, clearedBy, byHand }) =>
      db.transaction().execute(async (tx) => {
        const row = await lock(tx, id);
        const situation = situationOf(row.status, iso(row.changed_at));
        if (situation.status === 'cancelled') {
          throw new CloseoutError(
            'ClosureRefused',
            `Report ${id} is ${row.status}; only a cleared report can be closed.`,
          );
        }
        const isNewer = situation.status === 'open' && isLate(clearedAt, situation.at);
        if (situation.status === 'closed' || row.cycle !== cycle || (isNewer && !byHand)) {
          await settle(tx, toWatched(row)); // its run asks, and now knows
          return { situation, cycle: row.cycle };
        }
        const now = new Date();
        const by = byHand ? 'operator' : 'closeout';
        const changes = [{ status: 'closed' as const, at: now, by }];
        const cleared = { status: 'resolved' as const, at: new Date(clearedAt), by: clearedBy ?? null };
        await record(tx, row, row.status === 'resolved' ? changes : [cleared, ...changes]);
        await tx
          .updateTable('reports')
          .set({
            status: 'closed',
            changed_at: clearedAt,
            cleared_at: clearedAt,
            clear_received_at: row.clear_received_at ?? clearReceivedAt,
            closed_at: now,
            last_update: now,
            run_status: 'closed',
            run_cycle: cycle,
          })
          .where('id', '=', id)
          .execute();
        return { situation: { status: 'closed', at: clearedAt }, cycle };
      }),
  };
}

async function insert(tx: Tx, report: NewReport & { id: string }): Promise<Report> {
  await addCustomer(tx, report.customerId);
  const { id, description, severity, ticketType, status = 'acknowledged' } = report;
  const openedAt = report.openedAt ?? new Date().toISOString();
  const row = await tx
    .insertInto('reports')
    .values({
      ...columnsOf(report),
      id,
      description,
      severity,
      ticket_type: ticketType,
      status,
      opened_at: openedAt,
      document: JSON.stringify(report.document ?? {}),
      run_cycle: 0,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new CloseoutError('ReportExists', `There is a report ${id} already; choose another id.`, 'id');
  await record(tx, row, [{ status, at: new Date(openedAt), by: null }]);
  if (report.contact) await putContact(tx, id, report.contact);
  return toReport(row);
}

async function amend(
  tx: Tx,
  id: string,
  { document, contact, status, ...changes }: Partial<NewReport>,
): Promise<Report> {
  const row = await lock(tx, id);
  const merged = Object.entries({ ...row.document, ...document }).filter(([, value]) => value !== null);
  const moves = status !== undefined && status !== row.status && isOpen(row.status);
  await addCustomer(tx, changes.customerId);
  if (moves) await record(tx, row, [{ status, at: new Date(), by: null }]);
  if (contact) await putContact(tx, id, contact);
  const amended = await tx
    .updateTable('reports')
    .set({
      ...columnsOf(changes),
      ...(moves ? { status } : {}),
      document: JSON.stringify(Object.fromEntries(merged)),
      last_update: sql`now()`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toReport(amended);
}

const notCleared = { cleared_at: null, clear_received_at: null, closed_at: null };

const statusOf = { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' } as const;

/** The one place that decides, under a row lock, what a reported change makes of the stored report. */
async function applyChange(tx: Tx, id: string, change: ReportedChange): Promise<Standing> {
  const row = await lock(tx, id);
  const before = situationOf(row.status, iso(row.changed_at));
  const after = apply(before, change);
  const applied = after.status !== before.status;
  const status =
    change.status ?? ({ cleared: 'resolved', reopened: 'inProgress', cancelled: 'cancelled' } as const)[change.kind];
  const cycle = applied && before.status === 'closed' ? row.cycle + 1 : row.cycle;
  const { by = null, reason = null } = change;
  await record(tx, { id, cycle }, [{ status, at: new Date(change.at), by, reason }], applied);
  const knows = change.run === 'asks' || (change.run === 'told' && after.status === statusOf[change.kind]);
  if (after !== before || knows) {
    const cleared = {
      cleared: { cleared_at: change.at, clear_received_at: sql<Date>`now()` },
      reopened: notCleared,
      cancelled: {},
    }[change.kind];
    await tx
      .updateTable('reports')
      .set({
        changed_at: after.at,
        ...(knows ? { run_status: after.status, run_cycle: cycle } : {}),
        ...(applied ? { status, cycle, status_reason: reason, ...cleared, last_update: sql`now()` } : {}),
        // Told first by the report's run, which never knows the reason.
        ...(!applied && reason && change.at === before.at ? { status_reason: reason } : {}),
      })
      .where('id', '=', id)
      .execute();
  }
  return { situation: after, cycle };
}

async function record(
  tx: Tx,
  { id, cycle }: { id: string; cycle: number },
  changes: { status: StatusChange['status']; at: Date; by: string | null; reason?: string | null }[],
  applied = true,
): Promise<void> {
  const rows = changes.map(({ reason = null, ...change }) => ({ ...change, reason, report_id: id, cycle, applied }));
  await tx
    .insertInto('status_changes')
    .values(rows)
    .onConflict((c) =>
      c.columns(['report_id', 'status', 'at']).doUpdateSet({
        by: sql`coalesce(status_changes.by, excluded.by)`,
        reason: sql`coalesce(status_changes.reason, excluded.reason)`,
      }),
    )
    .execute();
}

async function lock(tx: Tx, id: string): Promise<Row> {
  return known(id, await tx.selectFrom('reports').selectAll().where('id', '=', id).forUpdate().executeTakeFirst());
}

function known(id: string, row: Row | undefined): Row {
  if (!row) throw new CloseoutError('ReportNotFound', `There is no report ${id}.`);
  return row;
}

async function addCustomer(tx: Tx, id: string | undefined): Promise<void> {
  if (id)
    await tx
      .insertInto('customers')
      .values({ id })
      .onConflict((c) => c.doNothing())
      .execute();
}

async function putContact(tx: Tx, reportId: string, contact: Contact): Promise<void> {
  const columns = {
    name: contact.name ?? null,
    email_address: contact.emailAddress ?? null,
    preferred_language: contact.preferredLanguage ?? null,
    time_zone: contact.timeZone ?? null,
  };
  await tx
    .insertInto('contacts')
    .values({ report_id: reportId, ...columns })
    .onConflict((c) => c.column('report_id').doUpdateSet(columns))
    .execute();
}

/** TMF621 attributes that can be filtered on, and where they are kept. */
const filters = {
  id: 'id',
  status: 'status',
  severity: 'severity',
  ticketType: 'ticket_type',
  priority: 'priority',
  externalId: 'external_id',
  name: 'name',
  description: 'description',
} as const;

async function list(db: Db, { filter, offset, limit }: ListQuery): Promise<{ reports: Report[]; total: number }> {
  let query = db.selectFrom('reports');
  for (const [attribute, value] of Object.entries(filter)) {
    if (!Object.hasOwn(filters, attribute)) {
      const allowed = Object.keys(filters).join(', ');
      throw new CloseoutError(
        'BadInput',
        `Reports cannot be filtered by "${attribute}"; allowed are ${allowed}.`,
        attribute,
      );
    }
    query = query.where(filters[attribute as keyof typeof filters], '=', value as never);
  }
  const { total } = await query.select((eb) => eb.fn.countAll<string>().as('total')).executeTakeFirstOrThrow();
  const rows = await query.selectAll().orderBy('opened_at', 'desc').orderBy('id').offset(offset).limit(limit).execute();
  return { reports: rows.map(toReport), total: Number(total) };
}

function columnsOf(report: Partial<NewReport>) {
  const { description, severity, ticketType, name, priority, externalId, customerId, serviceProblemId } = report;
  const columns = {
    description,
    severity,
    ticket_type: ticketType,
    name,
    priority,
    external_id: externalId,
    customer_id: customerId,
    service_problem_id: serviceProblemId,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as Partial<
    typeof columns
  >;
}

const iso = (time: Date | null) => time && time.toISOString();

function toReport(row: Row): Report {
  return {
    id: row.id,
    status: row.status,
    cycle: row.cycle,
    description: row.description,
    severity: row.severity,
    ticketType: row.ticket_type,
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.priority === null ? {} : { priority: row.priority }),
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    ...(row.customer_id === null ? {} : { customerId: row.customer_id }),
    ...(row.service_problem_id === null ? {} : { serviceProblemId: row.service_problem_id }),
    openedAt: row.opened_at.toISOString(),
    changedAt: iso(row.changed_at),
    ...(row.cleared_at === null ? {} : { clearedAt: row.cleared_at.toISOString() }),
    ...(row.closed_at === null ? {} : { closedAt: row.closed_at.toISOString() }),
    lastUpdate: row.last_update.toISOString(),
    ...(row.status_reason === null ? {} : { statusReason: row.status_reason }),
    document: row.document,
  };
}

function toChange({ status, at, by, reason }: Selectable<Database['status_changes']>): StatusChange {
  return { status, at: at.toISOString(), ...(by === null ? {} : { by }), ...(reason === null ? {} : { reason }) };
}

function toContact(row: Selectable<Database['contacts']>): Contact {
  return {
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.email_address === null ? {} : { emailAddress: row.email_address }),
    ...(row.preferred_language === null ? {} : { preferredLanguage: row.preferred_language }),
    ...(row.time_zone === null ? {} : { timeZone: row.time_zone }),
  };
}
