/** The questions that can be asked: one for each scale, and those of the policy file. */
import type { FollowUp, FollowUpAnswers, QuestionSet } from '../contract/question.js';
import { scaleNames, scaleOf, type ScaleName } from '../contract/scale.js';
import { day } from './time.js';

/** At most `count` surveys per customer in `per` ms. */
export interface Cap {
  count: number;
  per: number;
}

export interface Question extends QuestionSet {
  /** How often one customer is asked this question, in addition to the policy's contact cap. */
  cap: Cap | null;
}

export const maxFollowUps = 3;

/** The reasons that a dissatisfied customer can tick. */
export const reasons = ['slow', 'notSolved', 'poorlyInformed', 'unfriendly', 'repeatedFault'] as const;

export const askForReasons = (scale: ScaleName): FollowUp => ({
  id: 'reasons',
  atMost: scaleOf(scale).maxPoorScore,
  choices: reasons.map((id) => ({ id })),
});

/** Loyalty is not about one report, so a customer is not asked after each. */
export const usualCap = (scale: ScaleName): Cap | null => (scale === 'nps' ? { count: 1, per: 90 * day } : null);

const builtIn = new Map<string, Question>(
  scaleNames.map((scale) => [scale, { name: scale, scale, followUps: [askForReasons(scale)], cap: usualCap(scale) }]),
);

export const isBuiltInQuestion = (name: string): boolean => builtIn.has(name);

/** A name that is not known, such as one removed from the policy file since, is answered with the usual question. */
export const questionNamed = (name: string | undefined, own: ReadonlyMap<string, Question> | undefined): Question =>
  own?.get(name ?? '') ?? builtIn.get(name ?? '') ?? (builtIn.get('satisfaction') as Question);

export const isAskedAt = ({ atLeast = -Infinity, atMost = Infinity }: FollowUp, score: number | undefined): boolean =>
  score === undefined || (score >= atLeast && score <= atMost);

/** What was ticked and written, without answers to what is not asked at this score. */
export function answersAsked(
  { followUps }: QuestionSet,
  score: number | undefined,
  given: FollowUpAnswers,
): FollowUpAnswers {
  const asked = followUps.filter((followUp) => isAskedAt(followUp, score) && given[followUp.id]?.length);
  return Object.fromEntries(asked.map(({ id }) => [id, given[id] ?? '']));
}
