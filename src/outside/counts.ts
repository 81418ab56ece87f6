/** The counts behind the dashboard and the metrics, grouped so that every view can be added up from them. */
import { sql } from 'kysely';
import type { SurveyCount } from '../operator/satisfaction.js';
import type { Db } from './database/database.js';
import { countSurveys } from './survey-counts.js';

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

/** Durations of the closings of one day, in seconds. */
export interface ClosingTimes {
  day: string;
  closed: number;
  p50: number;
  p95: number;
}

export interface Counts {
  surveys(): Promise<SurveyCount[]>;
  reports(): Promise<{ status: string; count: number }[]>;
  /** Cleared reports that are not closed: those whose customers were asked to confirm, and all others. */
  cleared(): Promise<{ confirming: number; clearingOrClosing: number }>;
  /** Confirmations by the customer's reply. */
  confirmations(): Promise<{ confirmation: string; count: number }[]>;
  /** From the receipt of "cleared" to the closing, for each of the last `days` (UTC). */
  closingTimes(days: number): Promise<ClosingTimes[]>;
  /** The answers that count, newest first. */
  answers(limit: number): Promise<AnswerRow[]>;
}

export function countQueries(db: Db): Counts {
  return {
    surveys: () => countSurveys(db),

    async reports() {
      const { rows } = await sql<{ status: string; count: number }>`
        select status, count(*)::int as count from reports group by status`.execute(db);
      return rows;
    },

    async cleared() {
      const { rows } = await sql<{ confirming: number; clearingOrClosing: number }>`
        select count(*) filter (where s.confirmation = 'sent')::int as confirming,
          count(*) filter (where s.confirmation is distinct from 'sent')::int as clearing_or_closing
        from reports r left join surveys s on s.report_id = r.id and s.cycle = r.cycle
        where r.status = 'resolved'`.execute(db);
      return rows[0] ?? { confirming: 0, clearingOrClosing: 0 };
    },

    async confirmations() {
      const { rows } = await sql<{ confirmation: string; count: number }>`
        select confirmation, count(*)::int as count from surveys where confirmation is not null
        group by confirmation order by confirmation`.execute(db);
      return rows;
    },

    async closingTimes(days) {
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

    answers: (limit) =>
      db
        .selectFrom('answers')
        .innerJoin('surveys', 'surveys.id', 'answers.surveyId')
        .innerJoin('reports', 'reports.id', 'surveys.reportId')
        .select([
          'reports.id as report',
          'surveys.cycle',
          'ticketType',
          'surveys.serviceProblemId as serviceProblem',
          'sentAt',
          'answers.at as answeredAt',
          'score',
          'solved',
          'complaints',
          'comment',
          'revision as revisions',
        ])
        .where('surveys.state', '=', 'answered')
        .orderBy('answers.at', 'desc')
        .limit(limit)
        .execute(),
  };
}
