/** One survey as the database keeps it. */
import { randomBytes } from 'node:crypto';
import type { Survey, SurveyRecord } from '../../contract/survey.js';
import type { Db } from '../database/database.js';

/** Random, because it is part of links and Message-IDs: 16 characters, 96 bits. */
export const newSurveyId = (): string => randomBytes(12).toString('base64url');

/** At most one: unique by report and cycle. */
export const surveyOfCycle = (db: Db, reportId: string, cycle: number): Promise<Survey | undefined> =>
  db.selectFrom('surveys').selectAll().where('reportId', '=', reportId).where('cycle', '=', cycle).executeTakeFirst();

/** The survey as a run and `closeout status` see it. A queued survey is not visible yet. */
export function surveyRecord({ state, reason, id, ...survey }: Survey): SurveyRecord {
  if (state === 'queued') return { state: 'none' };
  return {
    state,
    reason: reason ?? undefined,
    id: state === 'skipped' ? undefined : id,
    sentAt: survey.sentAt?.toISOString(),
    expiresAt: survey.expiresAt?.toISOString(),
    reopenUntil: survey.reopenUntil?.toISOString(),
  };
}
