/** Writes again what a run knows of its survey, after PostgreSQL was restored to an earlier time. Customers' words are not in it. */
import type { Updateable } from 'kysely';
import type { AnsweredSignal } from '../../contract/messages.js';
import type { Survey } from '../../contract/survey.js';
import type { Standing } from '../../policy/standing.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import type { Database } from '../database/schema.js';
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

/** Safe to repeat: what the row has already is not written again. */
export async function restoreSurvey(
  tx: Db,
  surveyIdOf: SurveyIdOf,
  report: SurveyedReport,
  standing: Standing,
  askedBy: AskedBy | undefined,
): Promise<void> {
  const { cycle, survey, confirmation, answer } = standing;
  if (survey.state === 'none' && !confirmation) return;
  const { id: reportId, customerId, serviceProblemId } = report;
  const surveyId = surveyIdOf(reportId, cycle);
  if (survey.id !== undefined && survey.id !== surveyId) return; // just reopened: that of the cycle before
  const stored = await surveyOfCycle(tx, reportId, cycle);
  const lost = { ...lostOfSurvey(standing, stored), ...lostOfConfirmation(standing, stored) };
  if (!stored) {
    const keys = { id: surveyId, reportId, cycle, customerId, serviceProblemId };
    await tx
      .insertInto('surveys')
      .values({ ...keys, ...askedBy, state: 'queued', ...lost })
      .execute();
  } else if (Object.keys(lost).length > 0) {
    await tx.updateTable('surveys').set(lost).where('id', '=', stored.id).execute();
  }
  if (lost.sentAt && !stored?.sentAt) {
    const at = new Date(lost.sentAt);
    await tx.insertInto('surveyEvents').values({ surveyId, event: 'sent', at }).execute();
  }
  if (answer) await restoreAnswer(tx, surveyId, answer);
}

type Lost = Updateable<Database['surveys']>;

/** What the run knows of the survey and the row has lost. */
function lostOfSurvey({ survey, reminded }: Standing, stored: Survey | undefined): Lost {
  const { state, reason = null, sentAt = null, expiresAt = null, reopenUntil = null } = survey;
  if (state === 'none') return {};
  const remindedAt = reminded && !stored?.remindedAt ? { remindedAt: now() } : {};
  if (rankOf(stored?.state) < rankOf(state))
    return { state, reason, mailedAt: stored?.mailedAt ?? sentAt, sentAt, expiresAt, reopenUntil, ...remindedAt };
  if (state !== 'sent' || stored?.state !== 'sent') return {};
  const isExtended = expiresAt !== null && new Date(expiresAt) > (stored.expiresAt ?? now());
  return { ...remindedAt, ...(isExtended && { expiresAt }) };
}

/** What the run knows of the confirmation and the row has lost, or has of an earlier clearing. */
function lostOfConfirmation({ survey, confirmation }: Standing, stored: Survey | undefined): Lost {
  if (!confirmation) return {};
  const { state, clearedAt, closesAt, askedAt, warned } = confirmation;
  const warnedAt = warned && !stored?.warnedAt ? { warnedAt: now() } : {};
  const isAboutThis = stored?.confirmFor?.getTime() === Date.parse(clearedAt);
  if (isAboutThis && stored.confirmation === 'sent') return state === 'sent' ? warnedAt : { confirmation: state };
  if (isAboutThis && stored.confirmation !== 'queued') return {};
  const asked = {
    confirmation: state,
    confirmFor: clearedAt,
    confirmUntil: closesAt,
    confirmedAt: null,
    confirmReason: null,
    ...(askedAt && { mailedAt: askedAt }),
  };
  const expiresAt = survey.state === 'none' ? { expiresAt: closesAt } : {};
  return { ...asked, ...expiresAt, warnedAt: warned ? now() : null };
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
