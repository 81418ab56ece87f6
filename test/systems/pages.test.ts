import { everyPage, isFirstPoll, pageOfPoll, pageSince, secondAfter, type Listing } from '../../src/systems/pages.js';

/** Reading by pages, in a list whose rows move, appear and vanish between any two requests. */
interface Row {
  id: number;
  time: string;
}

const at = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000', '');

/** `slack`: how many seconds before the one that is asked for are listed as well. `between`: done before every request but the first. */
function listingOf(rows: Row[], slack: number, between: (nth: number) => void = () => undefined): Listing<Row> {
  let requests = 0;
  const isFrom = (row: Row, time: string) => Date.parse(row.time) >= Date.parse(time) - slack * 1000;
  const ask = (condition: (row: Row) => boolean, order: (one: Row, other: Row) => number) => {
    if (requests++ > 0) between(requests);
    return Promise.resolve(rows.filter(condition).sort(order).slice(0, 3));
  };
  const byTime = (one: Row, other: Row) => one.time.localeCompare(other.time) || one.id - other.id;
  return {
    pageSize: 3,
    timeOf: (row) => row.time,
    idOf: (row) => row.id,
    from: (time) => ask((row) => time === undefined || isFrom(row, time), byTime),
    inSecond: (time, id) =>
      ask(
        (row) => row.id > id && isFrom(row, time) && row.time < secondAfter(time),
        (one, other) => one.id - other.id,
      ),
  };
}

const rowsAt = (...seconds: number[]): Row[] => seconds.map((time, index) => ({ id: index + 1, time: at(time) }));
const idsOf = (rows: Row[]) => [...new Set(rows.map(({ id }) => id))].sort((one, other) => one - other);
const allIds = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test.each([
  ['nothing', []],
  ['less than a page', [1, 2]],
  ['one row per second', [1, 2, 3, 4, 5, 6, 7]],
  ['more than a page in one second', [1, 1, 1, 1, 1, 1, 1]],
  ['more than a page in each of two seconds', [1, 1, 1, 1, 2, 2, 2, 2]],
  ['a full page of the second before', [1, 1, 1, 2, 2, 2, 2, 2, 3]],
])('%s is listed to the end, whatever slack the system gives', async (_, seconds) => {
  for (const slack of [0, 1]) {
    const rows = rowsAt(...seconds);
    expect(idsOf(await everyPage(listingOf(rows, slack)))).toEqual(allIds(rows.length));
  }
});

test('a cursor that was reached is read again, and rows that come in its second are not missed', async () => {
  const rows = rowsAt(1, 2, 2);
  const { cursor } = await pageSince(undefined, listingOf(rows, 0));
  expect(cursor).toBe(at(2));
  rows.push({ id: 4, time: at(2) });
  expect(idsOf((await pageSince(cursor, listingOf(rows, 0))).rows)).toEqual([2, 3, 4]);
  expect((await pageSince('2099-01-01T00:00:00Z', listingOf(rows, 0))).cursor).toBe('2099-01-01T00:00:00Z');
});

test('a poll finds what was committed late: it begins where the one before the last had ended', async () => {
  const rows = rowsAt(1, 2, 3, 4, 10);
  const poll = async (cursor?: string) => {
    const seen: number[] = [];
    for (;;) {
      const page = await pageOfPoll(cursor, listingOf(rows, 0));
      seen.push(...idsOf(page.rows));
      ({ cursor } = page);
      if (!page.hasMore) return { cursor, seen: [...new Set(seen)] };
    }
  };
  const first = await poll();
  expect(first).toEqual({ cursor: `${at(10)} ${at(10)}`, seen: [1, 2, 3, 4, 5] });
  rows.push({ id: 6, time: at(20) });
  const second = await poll(first.cursor);
  expect(second).toEqual({ cursor: `${at(10)} ${at(20)}`, seen: [5, 6] });
  rows.push({ id: 7, time: at(19) });
  expect(await poll(second.cursor)).toEqual({ cursor: `${at(20)} ${at(20)}`, seen: [5, 6, 7] });
});

test('every page of the first poll is known as such, so that it lists only what is open', async () => {
  const rows = rowsAt(1, 2, 3, 4, 10);
  const isFirst: boolean[] = [];
  let cursor: string | undefined;
  for (let hasMore = true; hasMore;) {
    isFirst.push(isFirstPoll(cursor));
    ({ cursor, hasMore } = await pageOfPoll(cursor, listingOf(rows, 0)));
  }
  expect(isFirst.length).toBeGreaterThan(1);
  expect(isFirst).not.toContain(false);
  expect(isFirstPoll(cursor)).toBe(false);
});

test.each([0, 1])('no row is left out when others move to the end, with a slack of %i s', async (slack) => {
  const rows = rowsAt(1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3);
  const listing = listingOf(rows, slack, (nth) => {
    const moving = rows.find(({ id }) => id === nth);
    if (moving) moving.time = at(10);
  });
  expect(idsOf(await everyPage(listing))).toEqual(allIds(rows.length));
});

test.each([0, 1])('no row is left out when others vanish, with a slack of %i s', async (slack) => {
  const rows = rowsAt(1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3);
  const kept = [7, 8, 9, 10, 11, 12];
  const listing = listingOf(rows, slack, (nth) => {
    const index = rows.findIndex(({ id }) => id === nth && !kept.includes(id));
    if (index >= 0) rows.splice(index, 1);
  });
  expect(idsOf(await everyPage(listing))).toEqual(expect.arrayContaining(kept));
});

test('an ignored filter causes an error, not an endless loop', async () => {
  const rows = rowsAt(1, 2, 3, 4, 5);
  const listing = { ...listingOf(rows, 1_000_000_000), inSecond: () => Promise.resolve([]) };
  await expect(everyPage(listing)).rejects.toMatchObject({ code: 'SystemMisconfigured' });
});

test('a row from the future does not hide what changes until then', async () => {
  const rows = [{ id: 1, time: '2099-01-01T00:00:00Z' }];
  let cursor: string | undefined;
  for (let poll = 0; poll < 3; poll++) ({ cursor } = await pageOfPoll(cursor, listingOf(rows, 0)));
  rows.push({ id: 2, time: secondAfter(new Date().toISOString()) });
  expect(idsOf((await pageOfPoll(cursor, listingOf(rows, 0))).rows)).toEqual([1, 2]);
});
