/** Answers to follow-up questions, as operators read them. */
import type { FollowUpAnswers } from '../contract/question.js';
import { scoreInWords, type ScaleName } from '../contract/scale.js';
import { textsOf } from '../customer/texts.js';
import { reasons } from '../policy/questions.js';

/** The score, whether the problem is solved, and what was ticked. */
export function answerParts(answer: {
  score?: number | null;
  scale: ScaleName;
  solved?: boolean | null;
  followUps: FollowUpAnswers;
}): string {
  const { score, scale, solved, followUps } = answer;
  const parts = [
    typeof score === 'number' && scoreInWords(score, scale),
    typeof solved === 'boolean' && (solved ? 'solved' : 'not solved'),
    ...tickedInWords(followUps),
  ];
  return parts.filter((part) => typeof part === 'string').join(', ');
}

/** What was ticked: the usual reasons in English, others by their ids. */
export function tickedInWords(followUps: FollowUpAnswers): string[] {
  return Object.values(followUps).flatMap((answer) => (Array.isArray(answer) ? answer.map(choiceInWords) : []));
}

function choiceInWords(id: string): string {
  const reason = reasons.find((known) => known === id);
  return reason ? textsOf('en').page.complaint[reason] : id;
}

/** The customer's comment, and below it what was written under each follow-up question. Undefined if there is neither. */
export function writtenBelow(comment: string | null | undefined, followUps: FollowUpAnswers): string | undefined {
  const written = Object.entries(followUps).flatMap(([id, answer]) =>
    typeof answer === 'string' ? [`${id}: ${answer}`] : [],
  );
  return [comment, ...written].filter(Boolean).join('\n') || undefined;
}
