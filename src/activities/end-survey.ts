import type { SurveyRecord } from '../contract/survey.js';
import type { Deps } from './deps.js';

export interface EndSurvey {
  reportId: string;
  cycle: number;
  as: 'expired' | 'undeliverable';
  /** `revoked`: an operator ended it. */
  reason?: string;
  by?: string;
}

/** Returns the survey. An answer that came first takes precedence. Safe to repeat: only an open survey is ended. */
export async function endSurvey(
  { surveys, ledger }: Deps,
  { reportId, cycle, as, reason, by }: EndSurvey,
): Promise<SurveyRecord> {
  await ledger.expect(reportId, null);
  return surveys.end(reportId, cycle, as, { reason, by });
}
