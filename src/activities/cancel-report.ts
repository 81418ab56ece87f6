import type { SurveyRecord } from '../contract/reports.js';
import type { Standing } from '../outside/reports/port.js';
import { newSurveyId, type Deps } from './deps.js';

/** Where the report then stands, and what became of the survey of the cycle that ended unasked. */
export interface Withdrawal extends Standing {
  withdrawn?: SurveyRecord;
}

/** Safe to repeat: a cancelled report stays cancelled, and its survey is skipped once. */
export const cancelReport =
  ({ reports, surveys, confirmations }: Deps) =>
  async ({ reportId, at, by }: { reportId: string; at: string; by?: string }): Promise<Withdrawal> => {
    const standing = await reports.change(reportId, { kind: 'cancelled', at, run: 'asks', ...(by ? { by } : {}) });
    if (standing.situation.status !== 'cancelled') return standing;
    await confirmations.withdraw(reportId, at);
    const report = await reports.get(reportId);
    return { ...standing, withdrawn: await surveys.withdraw({ ...report, newId: newSurveyId }, 'cancelled') };
  };
