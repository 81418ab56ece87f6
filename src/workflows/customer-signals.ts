/** What customers, relays and other channels said, as a run notes it. Messages about another survey are ignored. */
import type { AnsweredSignal, BouncedSignal, ConfirmedSignal, DeliverySignal } from '../contract/messages.js';
import { isScaleName, isScore } from '../contract/scale.js';
import { isFirst, type RunState } from './run.js';
import { codeIn, textOf, timeOf } from './untrusted.js';

/** Ignores what is no score, and answers to the survey of another cycle. */
export function noteAnswer(run: RunState, answer: AnsweredSignal | undefined): void {
  if (!isAboutOurSurvey(run, answer)) return;
  const { surveyId, score, solved, revision, answeredAt, reopenUntil } = answer;
  const scale = isScaleName(answer.scale) ? answer.scale : 'satisfaction';
  if ((revision ?? 1) < (run.answer?.revision ?? 1)) return; // late
  run.answer = {
    surveyId,
    score: isScore(score, scale) ? score : undefined,
    scale,
    solved: typeof solved === 'boolean' ? solved : undefined,
    revision: typeof revision === 'number' ? revision : undefined,
    answeredAt: timeOf(answeredAt),
    reopenUntil: timeOf(reopenUntil),
  };
}

export function noteConfirmed(run: RunState, confirmed: ConfirmedSignal | undefined): void {
  const { surveyId, clearedAt, fixed } = confirmed ?? {};
  if (typeof surveyId !== 'string' || typeof clearedAt !== 'string' || typeof fixed !== 'boolean') return;
  run.confirmationReply = { surveyId, clearedAt, fixed };
}

export function noteBounce(run: RunState, bounce: BouncedSignal | undefined): void {
  const id = textOf(bounce?.id);
  if (!isAboutOurSurvey(run, bounce) || !isFirst(run, id)) return;
  run.bounced = { surveyId: bounce.surveyId, reason: codeIn(bounce.reason) ?? 'bounced', id };
}

/** Why this cycle's mail came back: a status code of RFC 3463. */
export function bounceOf({ bounced, survey, confirmation }: RunState): string | undefined {
  const isOurs = bounced?.surveyId === survey.id || bounced?.surveyId === confirmation?.surveyId;
  return isOurs ? bounced?.reason : undefined;
}

export function noteDelivery(run: RunState, delivery: DeliverySignal | undefined, hasFailed: boolean): void {
  const { surveyId, reason } = delivery ?? {};
  if (typeof surveyId === 'string' && !isAboutOurSurvey(run, { surveyId })) return;
  const failure = codeIn(reason) ?? 'NotDelivered';
  run.delivery = {
    surveyId: typeof surveyId === 'string' ? surveyId : undefined,
    failure: hasFailed ? failure : undefined,
  };
}

/** Before the report is looked up, every survey may be ours. */
function isAboutOurSurvey<T extends { surveyId?: string }>(
  run: RunState,
  message: T | undefined,
): message is T & { surveyId: string } {
  const { surveyId } = message ?? {};
  if (typeof surveyId !== 'string') return false;
  return !run.isKnown || surveyId === run.survey.id || surveyId === run.confirmation?.surveyId;
}
