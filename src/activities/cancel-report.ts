import type { SurveyRecord } from '../contract/survey.js';
import type { ReportState } from '../policy/status.js';
import type { Deps } from './deps.js';

/** The report's state, and the survey of a cycle that ended before its customer was asked. */
export interface WithdrawnReport extends ReportState {
  withdrawn?: SurveyRecord;
}

/** Safe to repeat: a cancelled report stays cancelled, and its survey is skipped once. */
export async function cancelReport(
  { reports, surveys, confirmations }: Deps,
  { reportId, at, by }: { reportId: string; at: string; by?: string },
): Promise<WithdrawnReport> {
  const cancelled = await reports.change(reportId, { kind: 'cancelled', at, run: 'caller', by });
  if (cancelled.state !== 'cancelled') return cancelled;
  await confirmations.withdraw(reportId, new Date(at));
  const withdrawn = await surveys.withdraw(await reports.get(reportId), 'cancelled');
  return { ...cancelled, withdrawn };
}
