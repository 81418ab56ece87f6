import type { SurveyRecord } from '../contract/reports.js';
import { toRecord } from '../outside/surveys/surveys.js';
import type { Policy } from '../policy/settings.js';
import { situationOf, type Situation } from '../policy/status.js';
import type { Deps } from './deps.js';

export interface Facts {
  situation: Situation;
  cycle: number;
  customerId?: string;
  serviceProblemId?: string;
  policy: Policy;
  /** Of this cycle, when one was decided before this run began. */
  survey?: SurveyRecord;
}

/** What a run has to know when it begins. Safe to repeat: reads, and notes that the run now knows. */
export const lookUpReport =
  ({ reports, surveys, policyFor }: Deps) =>
  async ({ reportId }: { reportId: string }): Promise<Facts> => {
    const report = await reports.lookUp(reportId);
    const { status, changedAt, cycle, customerId, serviceProblemId } = report;
    const survey = await surveys.ofCycle(reportId, cycle);
    return {
      situation: situationOf(status, changedAt),
      cycle,
      ...(customerId ? { customerId } : {}),
      ...(serviceProblemId ? { serviceProblemId } : {}),
      policy: policyFor(report),
      ...(survey ? { survey: toRecord(survey) } : {}),
    };
  };
