/** Lists of reports, filtered and sorted by any attribute of their TMF621 tickets. */
import { sql, type RawBuilder } from 'kysely';
import { DateTime } from 'luxon';
import { CloseoutError } from '../../contract/errors.js';
import { reportStatuses, type Report, type ReportStatus } from '../../contract/reports.js';
import type { Db } from '../database/database.js';
import type { ListQuery } from './store.js';
import { attributePath, comparisonOf, isTimeAttribute } from '../../tmf621/list-query.js';
import { toReport, type ReportRow } from './row-mapping.js';

/** Attributes with a column of their own. Those of the first kind may be given several values, separated by commas. */
const columns = ['id', 'severity', 'ticketType', 'priority', 'externalId'] as const;
const sentences = ['name', 'description'] as const;

/** Times with a column of their own. A ticket shows them to the millisecond. */
const times = { creationDate: 'openedAt', lastUpdate: 'lastUpdate', resolutionDate: 'clearedAt' } as const;
const timeColumn = (path: string) =>
  Object.hasOwn(times, path) ? sql.ref(`r.${times[path as keyof typeof times]}`) : undefined;

const signs = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' };

function refuse(name: string, reason: string): never {
  throw new CloseoutError('BadInput', `${name} ${reason}.`, name);
}

function statusesIn(words: string[]): ReportStatus[] {
  return words.map((word) => {
    const status = reportStatuses.find((known) => known === word);
    if (status) return status;
    return refuse('status', `must be one or more of ${reportStatuses.join(', ')}, separated by commas, not "${word}"`);
  });
}

export async function listReports(
  db: Db,
  { filter, sort = [], offset, limit }: ListQuery,
): Promise<{ reports: Report[]; total: number }> {
  const conditions = Object.entries(filter).map(([name, values]) => conditionOf(name, [values].flat()));
  const where = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;
  const { rows: counted } = await sql<{ total: number }>`select count(*)::int as total from reports r ${where}`.execute(
    db,
  );
  const { rows } = await sql<ReportRow>`
    select r.* from reports r ${where} order by ${orderBy(sort)} offset ${offset} limit ${limit}`.execute(db);
  return { reports: rows.map(toReport), total: counted[0]?.total ?? 0 };
}

function conditionOf(name: string, values: string[]): RawBuilder<unknown> {
  const { path, operator } = comparisonOf(name);
  if (isTimeAttribute(path)) {
    const given = operator === 'eq' || operator === 'ne' ? values.flatMap((value) => value.split(',')) : values;
    if (!given.every((word) => isInstant(withPlus(word.trim()))))
      refuse(name, 'must be a time in ISO 8601, such as 2026-11-24T09:30:00Z, or a date');
  }
  if (operator === 'ne') return sql`${isOneOf(path, values)} is not true`;
  return operator === 'eq'
    ? isOneOf(path, values)
    : anyOf(values.map((value) => compares(path, operator, value.trim())));
}

function isOneOf(path: string, values: string[]): RawBuilder<unknown> {
  const sentence = sentences.find((known) => known === path);
  if (sentence) return isIn(sql.ref(`r.${sentence}`), values);
  const words = values.flatMap((value) => value.split(',')).map((word) => word.trim());
  if (path === 'status') return isIn(sql`r.status`, statusesIn(words));
  const column = columns.find((known) => known === path);
  if (column) return isIn(sql.ref(`r.${column}`), words);
  if (path === '@type') return isIn(sql`coalesce(r.document ->> '@type', 'TroubleTicket')`, words);
  return anyOf(words.map((word) => compares(path, 'eq', word)));
}

const isIn = (value: RawBuilder<unknown>, words: string[]) => sql`${value} = any(${words})`;
const anyOf = (conditions: RawBuilder<unknown>[]) => sql`(${sql.join([sql`false`, ...conditions], sql` or `)})`;

/** What the function `instant` of the database reads: UTC if it has no zone. */
const isInstant = (text: string): boolean =>
  /^(?!0000)\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)?)?$/.test(text) &&
  DateTime.fromISO(text).isValid;

/** A time as it was meant: "+" in a query is decoded to a space. */
const withPlus = (word: string): string => word.replace(' ', '+');

/** Of a list, any item. Times are compared as instants, whatever zone and precision they are written with. */
function compares(path: string, operator: keyof typeof signs, word: string): RawBuilder<unknown> {
  const attributePath = `lax $${path
    .split('.')
    .map((step) => `."${step}"`)
    .join('')}`;
  const sign = signs[operator];
  const ticket = ticketWith(path);
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(word)) {
    const wanted = withPlus(word);
    const column = timeColumn(path);
    if (column) return sql`date_trunc('milliseconds', ${column}) ${sql.raw(sign)} (select instant(${wanted}))`;
    return sql`exists (select from jsonb_path_query(${ticket}, ${`${attributePath}[*]`}::jsonpath) value
      where instant(value #>> '{}') ${sql.raw(sign)} (select instant(${wanted})))`;
  }
  // A value may be a number or a truth value there.
  const compare = sign === '=' ? '==' : sign;
  const jsonPath = `${attributePath} ? (@ ${compare} $text || @ ${compare} $number || @ ${compare} $truth)`;
  return sql`jsonb_path_exists(${ticket}, ${jsonPath}::jsonpath, ${variablesOf(word)}::jsonb)`;
}

/**
 * A ticket that has at least the attribute with this path. Building whole tickets of 100,000 reports takes ten seconds; of what is in a
 * column or the document, at most one.
 */
function ticketWith(path: string): RawBuilder<unknown> {
  const [attribute = ''] = path.split('.');
  const column = [...columns, ...sentences, 'status' as const].find((known) => known === attribute);
  const value = timeColumn(attribute) ? sql`iso(${timeColumn(attribute)})` : column && sql.ref(`r.${column}`);
  if (value) return sql`jsonb_strip_nulls(jsonb_build_object(${sql.lit(attribute)}, ${value}))`;
  switch (attribute) {
    case 'relatedParty':
      return sql`jsonb_build_object('relatedParty', coalesce(r.document -> 'relatedParty', case when r.customer_id is not null
        then jsonb_build_array(jsonb_build_object('id', r.customer_id, 'role', 'customer', '@referredType', 'Customer')) end))`;
    case 'relatedEntity':
      return sql`jsonb_build_object('relatedEntity', coalesce(r.document -> 'relatedEntity', case when r.service_problem_id is not null
        then jsonb_build_array(jsonb_build_object('id', r.service_problem_id, 'role', 'serviceProblem', '@referredType', 'ServiceProblem')) end))`;
    case 'statusChangeReason':
      return sql`jsonb_strip_nulls(jsonb_build_object('statusChangeReason', r.status_reason))`;
    case 'statusChange':
    case 'statusChangeDate':
    case 'relatedContactInformation':
      return sql`ticket_of(r)`;
    default:
      return sql`r.document`;
  }
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
    if (!attributePath.test(name))
      return refuse(
        'sort',
        `must be attributes separated by commas, with the prefix "-" for descending order, not "${term}"`,
      );
    const direction = sql.raw(`${term.startsWith('-') ? 'desc' : 'asc'} nulls last`);
    const column = timeColumn(name);
    if (column) return sql`${column} ${direction}`;
    const ticket = ticketWith(name);
    const path = `{${name
      .split('.')
      .map((step) => `"${step}"`)
      .join(',')}}`;
    return sql`instant(${ticket} #>> ${path}) ${direction}, ${ticket} #> ${path} ${direction}`;
  });
  return sql`${sql.join(terms)}, id`;
}
