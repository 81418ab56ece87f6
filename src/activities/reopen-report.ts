import type { Withdrawal } from './cancel-report.js';
import { newSurveyId, type Deps } from './deps.js';

/** Safe to repeat: the same change at the same time is applied once, and superseding twice is superseding. */
export const reopenReport =
  ({ reports, surveys }: Deps) =>
  async ({ reportId, at, by }: { reportId: string; at: string; by?: string }): Promise<Withdrawal> => {
    const standing = await reports.change(reportId, { kind: 'reopened', at, run: 'asks', ...(by ? { by } : {}) });
    if (standing.cycle === 1) return standing; // it was never closed, so nobody was to be asked
    const { customerId, serviceProblemId } = await reports.get(reportId);
    const cycle = standing.cycle - 1;
    const ended = { id: reportId, cycle, customerId, serviceProblemId, newId: newSurveyId };
    return { ...standing, withdrawn: await surveys.withdraw(ended, 'reopened') };
  };
