/** Lists that are read a page at a time while tickets come, go and change: numbered pages leave out rows when others move meanwhile. */
import { CloseoutError } from '../contract/errors.js';
import { now } from '../outside/database/clock.js';
import { minute, second } from '../policy/time.js';

export interface Page<Row> {
  rows: Row[];
  /** The time up to which the list was read. */
  cursor: string | undefined;
  hasMore: boolean;
}

/**
 * How a list is read whose times are whole seconds. Both return every row that the system has there, up to `pageSize`, because a page that is
 * short is the last one: filter the rows afterwards.
 */
export interface Listing<Row> {
  pageSize: number;
  /** ISO 8601 with a zone, which `Date.parse` reads; also the cursor. */
  timeOf: (row: Row) => string;
  idOf: (row: Row) => number;
  /** The first rows from a time on, by time. Some that are up to a minute older do no harm. */
  from: (time: string | undefined) => Promise<Row[]>;
  /** The first rows of one second whose id is greater, by id; all of them if ids cannot be compared. Some of other seconds do no harm. */
  inSecond: (time: string, id: number) => Promise<Row[]>;
}

/** One page, from the time that the page before has reached, so that rows are listed twice rather than never. */
export async function pageSince<Row>(cursor: string | undefined, listing: Listing<Row>): Promise<Page<Row>> {
  const { pageSize, timeOf } = listing;
  const all: Row[] = [];
  let reached = cursor;
  for (let from = cursor; ;) {
    const rows = await listing.from(from);
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return { rows: all, cursor: reached, hasMore: false };
    all.push(...rows);
    const isFull = rows.length >= pageSize;
    if (isFull && from !== undefined && Date.parse(timeOf(last)) < Date.parse(from) - minute)
      throw new CloseoutError(
        'SystemMisconfigured',
        `The list has rows older than ${from}: the system ignores the filter, or reads it in another time zone.`,
      );
    const start = laterOf(from, timeOf(first));
    reached = laterOf(reached, timeOf(last));
    if (!isFull || Date.parse(timeOf(last)) > Date.parse(start)) return { rows: all, cursor: reached, hasMore: isFull };
    // More of one second than a page holds.
    all.push(...(await wholeSecond(start, listing)));
    reached = start;
    from = secondAfter(start);
  }
}

/**
 * One page of a poll. Each poll begins where the one before the last had ended: what is committed late, or stamped by a clock that is behind,
 * is older than what was listed. The cursor holds from where to go on and, after the first poll, where the last one ended.
 */
export async function pageOfPoll<Row>(cursor: string | undefined, listing: Listing<Row>): Promise<Page<Row>> {
  const [from, lastEnd] = cursor?.split(' ') ?? [];
  const ended = lastEnd && notLaterThanNow(lastEnd);
  const { cursor: reached, ...page } = await pageSince(from, listing);
  if (reached === undefined) return { ...page, cursor: undefined };
  if (page.hasMore) return { ...page, cursor: `${reached} ${ended ?? ''}`.trim() };
  const end = notLaterThanNow(reached);
  return { ...page, cursor: `${ended ?? end} ${laterOf(ended, end)}` };
}

/** Until the first poll has ended, only what is open is of interest: what had ended before may be much. */
export const isFirstPoll = (cursor: string | undefined): boolean => !cursor?.includes(' ');

/** All pages. Some rows are listed twice. */
export async function everyPage<Row>(listing: Listing<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await pageSince(cursor, listing);
    all.push(...page.rows);
    if (!page.hasMore) return all;
    ({ cursor } = page);
  }
}

async function wholeSecond<Row>(time: string, { pageSize, idOf, inSecond }: Listing<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for (let id = 0; ;) {
    const rows = (await inSecond(time, id)).filter((row) => idOf(row) > id);
    all.push(...rows);
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return all;
    id = idOf(last);
  }
}

/** A ticket from the future would hide all others until then. */
const notLaterThanNow = (time: string): string => (Date.parse(time) > now().getTime() ? wholeSeconds(now()) : time);

const wholeSeconds = (time: Date): string => time.toISOString().replace(/\.\d+/, '');

/** The first time after that second. */
export const secondAfter = (time: string): string => wholeSeconds(new Date(Date.parse(time) + second));

const laterOf = (one: string | undefined, other: string): string =>
  one !== undefined && Date.parse(one) > Date.parse(other) ? one : other;
