/** The counts behind the desk and the metrics, grouped so that every view can be added up from them. */
import { sql } from 'kysely';
import type { FollowUpAnswers } from '../../contract/question.js';
import type { ScaleName } from '../../contract/scale.js';
import type { SurveyCount } from '../../operator/satisfaction.js';
import { closingTimes, type ClosingTimes } from './closing-times.js';
import { customerWords, type CustomerWords } from './customer-words.js';
import { reportDesk, type DeskCounts } from '../reports/desk.js';
import type { Db } from '../database/database.js';
import { countSurveys } from './survey-counts.js';

export interface AnswerRow {
  surveyId: string;
  report: string;
  cycle: number;
  ticketType: string;
  serviceProblem: string | null;
  /** Name and version of the question. */
  question: string;
  version: number;
  scale: ScaleName;
  sentAt: Date | null;
  answeredAt: Date;
  score: number | null;
  solved: boolean | null;
  followUps: FollowUpAnswers;
  comment: string | null;
  revisions: number;
}

export interface Counts {
  surveys(): Promise<SurveyCount[]>;
  reports(): Promise<{ status: string; count: number }[]>;
  /** Confirmations by the customer's reply. */
  confirmations(): Promise<{ confirmation: string; count: number }[]>;
  /** For each of the last `days` (UTC). */
  closingTimes(days: number): Promise<ClosingTimes[]>;
  /** What customers said last, newest first. */
  words(limit: number): Promise<CustomerWords[]>;
  /** Reports by what they wait for. */
  desk(): Promise<DeskCounts>;
  /** For how long the oldest report in the phase `clearing` has been cleared; 0: none is. */
  oldestClearingSeconds(): Promise<number>;
  /** Reports whose runs do not respond to repeated wake-ups. */
  stuck(): Promise<number>;
  /** The answers that count, newest first. `before`: those older than the answer to this survey. */
  answers(limit: number, before?: string): Promise<AnswerRow[]>;
}

export function countQueries(db: Db): Counts {
  return {
    surveys: () => countSurveys(db),

    async reports() {
      const { rows } = await sql<{ status: string; count: number }>`
        select status, count(*)::int as count from reports group by status`.execute(db);
      return rows;
    },

    async confirmations() {
      const { rows } = await sql<{ confirmation: string; count: number }>`
        select confirmation, count(*)::int as count from surveys where confirmation is not null
        group by confirmation order by confirmation`.execute(db);
      return rows;
    },

    closingTimes: (days) => closingTimes(db, days),

    words: (limit) => customerWords(db, limit),
    desk: () => reportDesk(db).counts(),
    oldestClearingSeconds: () => reportDesk(db).oldestClearingSeconds(),
    stuck: () => reportDesk(db).stuck(),

    answers: (limit, before) =>
      db
        .selectFrom('answers')
        .innerJoin('surveys', 'surveys.id', 'answers.surveyId')
        .innerJoin('questions', 'questions.id', 'surveys.questionId')
        .innerJoin('reports', 'reports.id', 'surveys.reportId')
        .select([
          'surveys.id as surveyId',
          'reports.id as report',
          'surveys.cycle',
          'ticketType',
          'surveys.serviceProblemId as serviceProblem',
          'questions.name as question',
          'version',
          'scale',
          'sentAt',
          'answers.at as answeredAt',
          'score',
          'solved',
          'followUps',
          'comment',
          'revision as revisions',
        ])
        .where('surveys.state', '=', 'answered')
        .$if(before !== undefined, (query) =>
          query.where(
            sql<boolean>`(answers.at, answers.survey_id) < (select at, survey_id from answers where survey_id = ${before})`,
          ),
        )
        .orderBy('answers.at', 'desc')
        .orderBy('answers.surveyId', 'desc')
        .limit(limit)
        .execute(),
  };
}
