import type { Withdrawal } from './cancel-report.js';
import { newSurveyId, type Deps } from './deps.js';

export interface ReopenReport {
  reportId: string;
  /** The one that it is reopened from. */
  cycle: number;
  /** ISO 8601. */
  at: string;
  by?: string;
}

/** Safe to repeat: the same change at the same time is applied once, and superseding twice is superseding. */
export const reopenReport =
  ({ reports, surveys, confirmations }: Deps) =>
  async ({ reportId, cycle: before, at, by }: ReopenReport): Promise<Withdrawal> => {
    const reason = by === 'customer' ? await confirmations.reasonOf(reportId, before) : undefined;
    const change = { ...(by ? { by } : {}), ...(reason ? { reason } : {}) };
    const standing = await reports.change(reportId, { kind: 'reopened', at, run: 'asks', ...change });
    await confirmations.withdraw(reportId, at);
    if (standing.cycle === before) return standing; // this cycle was never closed, so nobody was to be asked
    const { customerId, serviceProblemId } = await reports.get(reportId);
    const cycle = standing.cycle - 1;
    const ended = { id: reportId, cycle, customerId, serviceProblemId, newId: newSurveyId };
    return { ...standing, withdrawn: await surveys.withdraw(ended, 'reopened') };
  };
