/** How long reports took to close once nothing had to be waited for, by day (UTC). Days that are over were counted by a sweep. */
import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../database/database.js';

/** Seconds from the end of the policy's waits to the closing. */
export interface ClosingTimes {
  day: string;
  closed: number;
  p50: number;
  p95: number;
}

const today = sql`(now() at time zone 'UTC')::date`;

const counted = (since: RawBuilder<unknown>) => sql`
  select (closed_at at time zone 'UTC')::date as day, count(*)::int as closed,
    percentile_cont(0.5) within group (order by took)::float as p50,
    percentile_cont(0.95) within group (order by took)::float as p95
  from (
    select closed_at, greatest(0, extract(epoch from closed_at - close_due_at)) as took
    from reports where closed_at >= ${since}::timestamp at time zone 'UTC' and close_due_at is not null
  ) as closings
  group by 1`;

/** The last `days`, today included. */
export async function closingTimes(db: Db, days: number): Promise<ClosingTimes[]> {
  const { rows } = await sql<ClosingTimes>`
    select to_char(day, 'YYYY-MM-DD') as day, closed, p50, p95 from (
      select day, closed, p50, p95 from closing_days where day < ${today} and day > ${today} - ${days}::int
      union all ${counted(today)}
    ) as days order by 1`.execute(db);
  return rows;
}

/** Yesterday, or the last day that was kept: if no sweep ran for a while, its end and the days since are missing. */
const lastKept = sql`(select least(${today} - 1, coalesce(max(day), '2000-01-01')) from closing_days)`;

/** Keeps the figures of the last days. A report that is reopened after that stays in the figures of its day. */
export async function rollUpClosingTimes(db: Db): Promise<void> {
  await sql`
    with fresh as (${counted(lastKept)}),
      gone as (delete from closing_days where day >= ${today} - 1 and day not in (select day from fresh))
    insert into closing_days (day, closed, p50, p95) select day, closed, p50, p95 from fresh
    on conflict (day) do update set closed = excluded.closed, p50 = excluded.p50, p95 = excluded.p95`.execute(db);
}
