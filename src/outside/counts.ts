/** The numbers behind the figures: how many surveys came to what, grouped so that every view can be added up from them. */
import { sql } from 'kysely';
import type { SurveyCount } from '../operator/satisfaction.js';
import type { Db } from './database/database.js';

export interface AnswerRow {
  report: string;
  cycle: number;
  ticketType: string;
  serviceProblem: string | null;
  sentAt: Date | null;
  answeredAt: Date;
  score: number | null;
  solved: boolean | null;
  complaints: string[];
  comment: string | null;
  revisions: number;
}

/** Of one day. */
export interface ClosingTimes {
  day: string;
  closed: number;
  p50: number;
  p95: number;
}

export type Figures = ReturnType<typeof figureQueries>;

export function figureQueries(db: Db) {
  return {
    async counts(): Promise<SurveyCount[]> {
      const { rows } = await sql<SurveyCount>`
        select to_char(coalesce(s.sent_at, s.claimed_at) at time zone 'UTC', 'YYYY-MM') as "month",
          r.ticket_type as "ticketType", s.service_problem_id as "serviceProblem",
          s.state, case when s.state in ('skipped', 'undeliverable') then s.reason end as reason,
          -- A question that stands on the page of a confirmation was put to who came there.
          s.sent_at is not null and (a.survey_id is not null or s.confirmation is null
            or s.confirmation not in ('silence', 'released')) as "wasSent", a.score, count(*)::int as count
        from surveys s join reports r on r.id = s.report_id left join answers a on a.survey_id = s.id
        group by 1, 2, 3, 4, 5, 6, 7`.execute(db);
      return rows;
    },

    async reportCounts(): Promise<{ status: string; count: number }[]> {
      const { rows } = await sql<{ status: string; count: number }>`
        select status, count(*)::int as count from reports group by status`.execute(db);
      return rows;
    },

    /** Cleared and not closed: those that wait for their customers to confirm, and the others. */
    async clearedCounts(): Promise<{ customer: number; closing: number }> {
      const { rows } = await sql<{ customer: number; closing: number }>`
        select count(*) filter (where s.confirmation = 'sent')::int as customer,
          count(*) filter (where s.confirmation is distinct from 'sent')::int as closing
        from reports r left join surveys s on s.report_id = r.id and s.cycle = r.cycle
        where r.status = 'resolved'`.execute(db);
      return rows[0] ?? { customer: 0, closing: 0 };
    },

    /** What customers said when they were asked before closing. */
    async confirmationCounts(): Promise<{ confirmation: string; count: number }[]> {
      const { rows } = await sql<{ confirmation: string; count: number }>`
        select confirmation, count(*)::int as count from surveys where confirmation is not null
        group by confirmation order by confirmation`.execute(db);
      return rows;
    },

    /** How long closing took on each of the last `days` (UTC), in seconds: from the receipt of "cleared" to the closing. */
    async closingTimes(days: number): Promise<ClosingTimes[]> {
      const { rows } = await sql<ClosingTimes>`
        select to_char(closed_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*)::int as closed,
          percentile_cont(0.5) within group (order by took)::float as p50,
          percentile_cont(0.95) within group (order by took)::float as p95
        from (
          select closed_at, greatest(0, extract(epoch from closed_at - coalesce(clear_received_at, cleared_at))) as took
          from reports where closed_at > now() - make_interval(days => ${days}) and cleared_at is not null
        ) as closings
        group by 1 order by 1`.execute(db);
      return rows;
    },

    /** What counts, newest first. */
    answers: (limit: number): Promise<AnswerRow[]> =>
      db
        .selectFrom('answers')
        .innerJoin('surveys', 'surveys.id', 'answers.survey_id')
        .innerJoin('reports', 'reports.id', 'surveys.report_id')
        .select([
          'reports.id as report',
          'surveys.cycle',
          'ticket_type as ticketType',
          'surveys.service_problem_id as serviceProblem',
          'sent_at as sentAt',
          'answers.at as answeredAt',
          'score',
          'solved',
          'complaints',
          'comment',
          'revision as revisions',
        ])
        .where('state', '=', 'answered')
        .orderBy('answers.at', 'desc')
        .limit(limit)
        .execute(),
  };
}
