/** Writes again what a run knows of its survey, after PostgreSQL was restored to an earlier time. Customers' words are not in it. */
import type { AnsweredSignal } from '../../contract/messages.js';
import type { Standing } from '../../policy/standing.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import { surveyOfCycle, type SurveyIdOf } from './survey-row.js';

/** What a run does not know of its survey, by the policy as it is now. */
export interface AskedBy {
  brand: string | null;
  questionId: number;
}

interface SurveyedReport {
  id: string;
  customerId: string | null;
  serviceProblemId: string | null;
}

export async function restoreSurvey(
  tx: Db,
  surveyIdOf: SurveyIdOf,
  report: SurveyedReport,
  standing: Standing,
  askedBy: AskedBy | undefined,
): Promise<void> {
  const { cycle, survey, confirmation, answer } = standing;
  if (survey.state === 'none' && !confirmation) return;
  const stored = await surveyOfCycle(tx, report.id, cycle);
  const isBehind = rankOf(stored?.state) < rankOf(survey.state);
  const isUnasked = !!confirmation && (!stored?.confirmation || stored.confirmation === 'queued');
  const surveyId = surveyIdOf(report.id, cycle);
  if (!stored || isBehind || isUnasked) {
    await writeSurvey(tx, surveyId, report, standing, askedBy);
    if (survey.sentAt && !stored?.sentAt)
      await tx
        .insertInto('surveyEvents')
        .values({ surveyId, event: 'sent', at: new Date(survey.sentAt) })
        .execute();
  }
  if (answer) await restoreAnswer(tx, surveyId, answer);
}

async function writeSurvey(
  tx: Db,
  id: string,
  report: SurveyedReport,
  { cycle, survey, reminded, confirmation }: Standing,
  askedBy: AskedBy | undefined,
): Promise<void> {
  const { id: reportId, customerId, serviceProblemId } = report;
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
    .values({ id, reportId, cycle, customerId, serviceProblemId, ...askedBy, ...columns })
    .onConflict((c) => c.columns(['reportId', 'cycle']).doUpdateSet(columns))
    .execute();
}

/** A survey only moves forward. */
function rankOf(state: Standing['survey']['state'] | 'queued' | undefined): number {
  if (state === undefined || state === 'none') return 0;
  if (state === 'queued') return 1;
  return state === 'sent' ? 2 : 3;
}

async function restoreAnswer(tx: Db, surveyId: string, { score, solved, revision = 1 }: AnsweredSignal): Promise<void> {
  const known = { score: score ?? null, solved: solved ?? null };
  const withoutWords = { ...known, comment: null, followUps: '{}' };
  await tx
    .insertInto('answers')
    .values({ surveyId, ...withoutWords, revision, actedOnRevision: revision })
    .onConflict((c) =>
      c
        .column('surveyId')
        // The comment of an earlier revision stays.
        .doUpdateSet({ ...known, revision, actedOnRevision: revision, changedAt: now() })
        .where('answers.revision', '<', revision),
    )
    .execute();
  await tx
    .insertInto('answerRevisions')
    .values({ surveyId, revision, ...withoutWords })
    .onConflict((c) => c.doNothing())
    .execute();
}
