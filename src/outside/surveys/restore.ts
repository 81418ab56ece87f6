/** Writes again what a run knows of its survey, after PostgreSQL was restored to an earlier time. Customers' words are not in it. */
import type { AnsweredSignal } from '../../contract/messages.js';
import type { Standing } from '../../policy/standing.js';
import type { Db } from '../database/database.js';
import { surveyOfCycle, type SurveyIdOf } from './survey-row.js';
import { now } from '../database/clock.js';

export async function restoreSurvey(
  tx: Db,
  surveyIdOf: SurveyIdOf,
  report: { id: string; customerId: string | null; serviceProblemId: string | null },
  { cycle, survey, reminded, confirmation, answer }: Standing,
): Promise<void> {
  if (survey.state === 'none' && !confirmation) return;
  const { id: reportId, customerId, serviceProblemId } = report;
  const id = surveyIdOf(reportId, cycle);
  const stored = await surveyOfCycle(tx, reportId, cycle);
  const isBehind = rankOf(stored?.state) < rankOf(survey.state);
  const isUnasked = !!confirmation && (!stored?.confirmation || stored.confirmation === 'queued');
  if (stored && !isBehind && !isUnasked) return;
  const columns = {
    state: survey.state === 'none' ? ('queued' as const) : survey.state,
    reason: survey.reason ?? null,
    mailedAt: survey.sentAt ?? (confirmation ? (confirmation.askedAt ?? now()) : null),
    sentAt: survey.sentAt ?? null,
    remindedAt: reminded ? now() : null,
    expiresAt: survey.expiresAt ?? confirmation?.closesAt ?? null,
    reopenUntil: survey.reopenUntil ?? null,
    confirmation: confirmation?.state ?? null,
    confirmFor: confirmation?.clearedAt ?? null,
    confirmUntil: confirmation?.closesAt ?? null,
    warnedAt: confirmation && !confirmation.warnAt ? now() : null,
  };
  await tx
    .insertInto('surveys')
    .values({ id, reportId, cycle, customerId, serviceProblemId, ...columns })
    .onConflict((c) => c.columns(['reportId', 'cycle']).doUpdateSet(columns))
    .execute();
  if (survey.sentAt && !stored?.sentAt)
    await tx
      .insertInto('surveyEvents')
      .values({ surveyId: id, event: 'sent', at: new Date(survey.sentAt) })
      .execute();
  if (answer) await restoreAnswer(tx, id, answer);
}

/** A survey only moves forward. */
function rankOf(state: Standing['survey']['state'] | 'queued' | undefined): number {
  if (state === undefined || state === 'none') return 0;
  if (state === 'queued') return 1;
  return state === 'sent' ? 2 : 3;
}

async function restoreAnswer(tx: Db, surveyId: string, { score, solved, revision = 1 }: AnsweredSignal): Promise<void> {
  const scores = { score: score ?? null, solved: solved ?? null, comment: null, followUps: '{}' };
  await tx
    .insertInto('answers')
    .values({ surveyId, ...scores, revision, actedOnRevision: revision })
    .onConflict((c) => c.doNothing())
    .execute();
}
