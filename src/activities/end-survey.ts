import type { SurveyRecord } from '../contract/reports.js';
import type { Deps } from './deps.js';

export interface EndSurvey {
  reportId: string;
  cycle: number;
  as: 'expired' | 'undeliverable';
  /** `revoked`: an operator ended it. */
  reason?: string;
  by?: string;
}

/** Returns what the survey then is: an answer that came first wins. Safe to repeat: only a waiting survey is ended. */
export const endSurvey =
  ({ surveys }: Deps) =>
  ({ reportId, cycle, as, ...why }: EndSurvey): Promise<SurveyRecord> =>
    surveys.end({ reportId, cycle }, as, why);
