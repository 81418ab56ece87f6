/** Changes since a time, a page at a time. */

export const pageSize = 100;

export interface Page<Row> {
  rows: Row[];
  mark: string;
  hasMore: boolean;
}

/**
 * One page, from the time of the last row of the page before: numbered pages leave out rows that change meanwhile. Times are whole
 * seconds, so a page that is all of one second goes on by number, which nothing else can do.
 */
export async function pageSince<Row>(
  mark: string | undefined,
  timeOf: (row: Row | undefined) => string | undefined,
  read: (offset: number) => Promise<Row[]>,
): Promise<Page<Row>> {
  const rows = await read(0);
  let isFull = rows.length === pageSize;
  while (isFull && timeOf(rows.at(-1)) === timeOf(rows[0])) {
    const more = await read(rows.length);
    rows.push(...more);
    isFull = more.length === pageSize;
  }
  const aMinuteAgo = new Date(Date.now() - 60_000).toISOString().replace(/\.\d+/, '');
  const last = timeOf(rows.at(-1)) ?? mark ?? aMinuteAgo;
  return { rows, mark: last, hasMore: isFull && last !== mark };
}
