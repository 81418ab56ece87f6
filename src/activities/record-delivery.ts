import type { SurveyRecord } from '../contract/survey.js';
import { now } from '../outside/database/clock.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import { nextSurveyWrite } from '../policy/deadlines.js';
import type { Policy } from '../policy/settings.js';
import type { Deps } from './deps.js';

export interface RecordDelivery {
  reportId: string;
  cycle: number;
  policy: Policy['survey'];
}

/** Another channel has delivered the survey. Safe to repeat: only a survey that waits for it becomes sent. */
export async function recordDelivery(
  { surveys }: Deps,
  { reportId, cycle, policy }: RecordDelivery,
): Promise<SurveyRecord> {
  const survey = await surveys.ofCycle(reportId, cycle);
  if (!survey) return { state: 'none' };
  const sent = { ...survey, state: 'sent' as const, sentAt: survey.sentAt ?? now() };
  const expectedAt = nextSurveyWrite(sent, policy);
  return surveyRecord(
    await surveys.markSent({ id: survey.id, kind: 'survey', detail: 'by another channel', expectedAt }),
  );
}
