import type { SurveyRecord } from '../contract/survey.js';
import type { ReportState } from '../policy/status.js';
import type { Deps } from './deps.js';

/** The report's state after a change, and the survey of the cycle that the change ended. */
export interface ChangedReport extends ReportState {
  survey?: SurveyRecord;
}

/** Safe to repeat: a cancelled report stays cancelled, and its survey is skipped once. */
export async function cancelReport(
  { reports, surveys, confirmations }: Deps,
  { reportId, at, by }: { reportId: string; at: string; by?: string },
): Promise<ChangedReport> {
  const cancelled = await reports.change(reportId, { kind: 'cancelled', at, run: 'caller', by });
  if (cancelled.state !== 'cancelled') return cancelled;
  await confirmations.withdraw(reportId, new Date(at));
  const survey = await surveys.withdraw(await reports.get(reportId), 'cancelled');
  return { ...cancelled, survey };
}
