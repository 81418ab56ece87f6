import type { ChangedReport } from './cancel-report.js';
import type { Deps } from './deps.js';

export interface ReopenReport {
  reportId: string;
  /** The cycle that is reopened. */
  cycle: number;
  /** ISO 8601. */
  at: string;
  by?: string;
}

/** Safe to repeat: the same change at the same time is applied once, and a superseded survey stays superseded. */
export async function reopenReport(
  { reports, surveys, confirmations }: Deps,
  { reportId, cycle, at, by }: ReopenReport,
): Promise<ChangedReport> {
  const reason = by === 'customer' ? await confirmations.reasonOf(reportId, cycle) : undefined;
  const reopened = await reports.change(reportId, { kind: 'reopened', at, run: 'caller', by, reason });
  await confirmations.withdraw(reportId, new Date(at));
  if (reopened.cycle === cycle) return reopened; // the cycle was not closed, so it has no survey yet
  const report = await reports.get(reportId);
  const survey = await surveys.withdraw({ ...report, cycle: reopened.cycle - 1 }, 'reopened');
  return { ...reopened, survey };
}
