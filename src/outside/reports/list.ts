/** Lists of reports, filtered and sorted by any attribute of their TMF621 tickets. */
import { sql, type RawBuilder } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import { reportStatuses, type Report, type ReportStatus } from '../../contract/reports.js';
import type { Db } from '../database/database.js';
import type { ListQuery } from './port.js';
import { toReport, type ReportRow } from './rows.js';

/** Attributes with a column of their own. Those of the first kind may be given several values, separated by commas. */
const columns = ['id', 'severity', 'ticketType', 'priority', 'externalId'] as const;
const sentences = ['name', 'description'] as const;

const operators: Record<string, string> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

const attribute = /^@?[A-Za-z_][\w@]*(\.@?[A-Za-z_][\w@]*){0,9}$/;
const attributeRule = 'is no attribute of a ticket; nested ones are named with dots, such as relatedParty.id';

function refuse(name: string, reason: string): never {
  throw new CloseoutError('BadInput', `${name} ${reason}.`, name);
}

function statusesIn(text: string): ReportStatus[] {
  return text.split(',').map((word) => {
    const status = reportStatuses.find((known) => known === word.trim());
    if (status) return status;
    return refuse('status', `must be one or more of ${reportStatuses.join(', ')}, separated by commas, not "${word}"`);
  });
}

export async function listReports(
  db: Db,
  { filter, sort = [], offset, limit }: ListQuery,
): Promise<{ reports: Report[]; total: number }> {
  const conditions = Object.entries(filter).map(([name, value]) => conditionOf(name, value));
  const where = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;
  const { rows: counted } = await sql<{ total: number }>`select count(*)::int as total from reports r ${where}`.execute(
    db,
  );
  const { rows } = await sql<ReportRow>`
    select r.* from reports r ${where} order by ${orderBy(sort)} offset ${offset} limit ${limit}`.execute(db);
  return { reports: rows.map(toReport), total: counted[0]?.total ?? 0 };
}

function conditionOf(name: string, value: string): RawBuilder<unknown> {
  if (name === 'status') return sql`r.status in (${sql.join(statusesIn(value))})`;
  const words = value.split(',').map((word) => word.trim());
  const column = columns.find((known) => known === name);
  if (column) return sql`${sql.ref(`r.${column}`)} in (${sql.join(words)})`;
  const sentence = sentences.find((known) => known === name);
  if (sentence) return sql`${sql.ref(`r.${sentence}`)} = ${value}`;
  if (name === '@type') return sql`coalesce(r.document ->> '@type', 'TroubleTicket') in (${sql.join(words)})`;
  const [, path = name, suffix = ''] = /^(.+)\.(gt|gte|lt|lte)$/.exec(name) ?? [];
  if (!attribute.test(path)) return refuse(name, attributeRule);
  // Of a list, any item. A value may be a number or a truth value there.
  const steps = path
    .split('.')
    .map((step) => `."${step}"`)
    .join('');
  const compare = operators[suffix] ?? '==';
  const jsonPath = `lax $${steps} ? (@ ${compare} $text || @ ${compare} $number || @ ${compare} $truth)`;
  const any = (suffix === '' ? words : [value.trim()]).map(
    (word) => sql`jsonb_path_exists(ticket_of(r), ${jsonPath}::jsonpath, ${variablesOf(word)}::jsonb)`,
  );
  return sql`(${sql.join(any, sql` or `)})`;
}

function variablesOf(text: string): string {
  const number = text !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
  const truth = text === 'true' ? true : text === 'false' ? false : null;
  return JSON.stringify({ text, number: number ?? text, truth: truth ?? text });
}

/** Newest first, unless asked otherwise. `id` makes the order complete. */
function orderBy(sort: string[]): RawBuilder<unknown> {
  if (sort.length === 0) return sql`opened_at desc, id`;
  const terms = sort.map((term) => {
    const name = term.replace(/^[+-]/, '').trim();
    if (!attribute.test(name))
      return refuse('sort', `must be attributes separated by commas, "-" before one that descends, not "${term}"`);
    const path = `{${name
      .split('.')
      .map((step) => `"${step}"`)
      .join(',')}}`;
    const value = name === 'creationDate' ? sql`r.opened_at` : sql`ticket_of(r) #>> ${path}`;
    return term.startsWith('-') ? sql`${value} desc nulls last` : sql`${value} asc nulls last`;
  });
  return sql`${sql.join(terms)}, id`;
}
