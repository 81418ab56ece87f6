/**
 * The reports of a service problem, as a mass clear goes through them: those with the highest ids first, because a worker is likely
 * to have the runs of the newest reports in memory.
 */
import { sql } from 'kysely';
import type { MassClearProgress } from '../../contract/messages.js';
import type { ReportKeys } from '../../contract/reports.js';
import type { Db } from '../database/database.js';

export type CountedReports = Omit<MassClearProgress, 'serviceProblemId' | 'round' | 'done'> & {
  /** Open reports that were signalled, or missed by the signals, and whose runs have not followed yet. */
  pending: number;
};

export interface Counting {
  serviceProblemId: string;
  fixedAt: Date;
  /** The last report that was signalled; empty: none was; undefined: the round is over. */
  after?: string;
  requestId: string;
}

export interface Signalled extends Pick<Counting, 'serviceProblemId' | 'fixedAt' | 'after'> {
  /** The last report that was signalled so long ago that it should have followed; empty: none. */
  overdue: string;
}

/** How the runs follow their signals. */
export interface Flow {
  /** Reports that were signalled lately, and whose runs have not followed yet. */
  inFlight: number;
  /** Reports that were signalled lately, and were cleared or closed in the last second. */
  followedPerSecond: number;
  /** How long those of them that were closed had to wait for it, on average; ms. 0: there are none. */
  lag: number;
}

export interface ServiceProblemReports {
  /** The next open reports, after one or from the start, that were opened, or last reopened, before the fault was fixed. */
  nextOpen(serviceProblemId: string, fixedAt: Date, after: string, limit: number): Promise<ReportKeys[]>;
  flow(signalled: Signalled): Promise<Flow>;
  count(counting: Counting): Promise<CountedReports>;
}

/** How many reports are listed of those that were opened later, or do not follow. */
const maxListed = 100;

const wasOpenAt = (fixedAt: Date) => sql`(state = 'open' and greatest(opened_at, changed_at) <= ${fixedAt})`;

/** Undefined: all. */
const isSignalled = (after: string | undefined) => {
  if (after === undefined) return sql`true`;
  return after === '' ? sql`false` : sql`id >= ${after}`;
};
const isLeft = (after: string) => (after === '' ? sql`true` : sql`id < ${after}`);

export function serviceProblemReports(db: Db): ServiceProblemReports {
  return {
    async nextOpen(serviceProblemId, fixedAt, after, limit) {
      const { rows } = await sql<ReportKeys>`
        select id, cycle, customer_id, service_problem_id from reports
        where service_problem_id = ${serviceProblemId} and ${wasOpenAt(fixedAt)} and ${isLeft(after)}
        order by id desc limit ${limit}`.execute(db);
      return rows;
    },

    async flow({ serviceProblemId, fixedAt, after, overdue }) {
      const isOurs = sql`service_problem_id = ${serviceProblemId}`;
      // Asked several times per second: each half has an index of its own.
      const { rows } = await sql<Flow>`
        select in_flight.count::int as in_flight, lately.count::int as followed_per_second, coalesce(lately.lag, 0)::float8 as lag
        from (select count(*) from reports
            where ${isOurs} and ${wasOpenAt(fixedAt)} and ${isSignalled(after)} and ${isLeft(overdue)}) as in_flight,
          (select count(*), greatest(0, avg(extract(epoch from closed_at - close_due_at) * 1000)
              filter (where closed_at > now() - interval '1 second')) as lag
            from reports where ${isOurs} and state <> 'open' and last_update > now() - interval '1 second'
              and ${isSignalled(after)} and ${isLeft(overdue)}) as lately`.execute(db);
      return rows[0] as Flow; // aggregates always have a row
    },

    async count({ serviceProblemId, fixedAt, after, requestId }) {
      const isOurs = sql`service_problem_id = ${serviceProblemId}`;
      const isLater = sql`(state = 'open' and greatest(opened_at, changed_at) > ${fixedAt})`;
      const isPending = sql`(${wasOpenAt(fixedAt)} and ${isSignalled(after)})`;
      const { rows } = await sql<Counts>`
        select count(*) filter (where received -> 'ids' ? ${requestId})::int as cleared,
          count(*) filter (where state = 'open')::int as open,
          count(*) filter (where state = 'cleared')::int as closing,
          count(*) filter (where state = 'closed')::int as closed,
          count(*) filter (where ${isPending})::int as pending,
          count(*) filter (where ${isLater})::int as later_count,
          (select array_agg(id) from (select id from reports where ${isOurs} and ${isLater}
            order by id limit ${maxListed}) as listed) as later_ids,
          (select array_agg(json_build_object('reportId', id, 'failure', coalesce(attention ->> 'failure', ${notFollowed}::text)))
            from (select id, attention from reports where ${isOurs} and ${isPending}
            order by id limit ${maxListed}) as listed) as failed
        from reports where ${isOurs}`.execute(db);
      const { laterCount, laterIds, failed, ...counts } = rows[0] as Counts; // an aggregate always has a row
      const later = { count: laterCount, ids: laterIds ?? [] };
      return { ...counts, later, failed: failed ?? [], failedCount: counts.pending };
    },
  };
}

type Counts = Record<'cleared' | 'open' | 'closing' | 'closed' | 'pending' | 'laterCount', number> & {
  laterIds: string[] | null;
  failed: { reportId: string; failure: string }[] | null;
};

const notFollowed = 'Its run has not reacted yet; the Temporal UI shows why.';
