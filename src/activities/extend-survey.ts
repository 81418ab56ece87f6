import type { SurveyRecord } from '../contract/survey.js';
import { soonAfter } from '../policy/time.js';
import type { Deps } from './deps.js';

export interface ExtendSurvey {
  reportId: string;
  cycle: number;
  /** ISO 8601. */
  until: string;
  by: string;
}

/** Safe to repeat: the deadline is given as a time, not as days to add. */
export async function extendSurvey(
  { surveys, ledger }: Deps,
  { reportId, cycle, until, by }: ExtendSurvey,
): Promise<SurveyRecord> {
  await ledger.expect(reportId, soonAfter(new Date(until)));
  return surveys.extend(reportId, cycle, new Date(until), by);
}
