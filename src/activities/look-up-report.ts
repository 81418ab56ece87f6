import type { SurveyRecord } from '../contract/survey.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import type { Policy } from '../policy/settings.js';
import { stateOf, type ReportState } from '../policy/status.js';
import type { Deps } from './deps.js';

export interface ReportSnapshot extends ReportState {
  customerId?: string;
  serviceProblemId?: string;
  policy: Policy;
  /** The survey of this cycle, if it was decided before this run started. */
  survey?: SurveyRecord;
}

/** Everything a run must know when it starts. Safe to repeat: it reads, and records that the run knows. */
export async function lookUpReport(
  { reports, surveys, policyFor }: Deps,
  { reportId }: { reportId: string },
): Promise<ReportSnapshot> {
  const report = await reports.beginRun(reportId);
  const { status, changedAt, cycle, customerId, serviceProblemId } = report;
  const survey = await surveys.ofCycle(reportId, cycle);
  return {
    state: stateOf(status),
    cycle,
    changedAt,
    customerId,
    serviceProblemId,
    policy: policyFor(report),
    survey: survey && surveyRecord(survey),
  };
}
