/** The questions of a policy file: as they can be asked, and what is wrong with them. */
import type { ByLanguage, FollowUp } from '../contract/question.js';
import { scaleNames, scaleOf } from '../contract/scale.js';
import { askForReasons, isBuiltInQuestion, questionNamed, usualCap, type Question } from '../policy/questions.js';
import { neverAlert, type Policy } from '../policy/settings.js';
import type { QuestionPart } from './policy-schema.js';

/** A fault, and the keys of the setting that has it. */
export interface Fault {
  keys: PropertyKey[];
  reason: string;
}

export function readQuestions(parts: Record<string, QuestionPart>): Map<string, Question> {
  return new Map(Object.entries(parts).map(([name, part]) => [name, toQuestion(name, part)]));
}

function toQuestion(name: string, { scale, text, followUps, cap }: QuestionPart): Question {
  return {
    name,
    scale,
    text,
    followUps: followUps
      ? followUps.map((followUp) => (followUp === 'reasons' ? askForReasons(scale) : toFollowUp(followUp)))
      : [askForReasons(scale)],
    cap: cap === undefined ? usualCap(scale) : cap,
  };
}

function toFollowUp({
  choices,
  ...rest
}: Exclude<NonNullable<QuestionPart['followUps']>[number], 'reasons'>): FollowUp {
  return { ...rest, choices: choices && Object.entries(choices).map(([id, text]) => ({ id, text })) };
}

/** The first thing that is wrong with a question. */
export function faultOf({ name, scale, text, followUps }: Question): Fault | undefined {
  const { lowest, highest } = scaleOf(scale);
  const own = ['questions', name];
  const texts: { keys: PropertyKey[]; text: ByLanguage | undefined }[] = [{ keys: [...own, 'text'], text }];
  const ids = new Set<string>();
  for (const [index, followUp] of followUps.entries()) {
    const keys = [...own, 'followUps', index];
    const { id, atLeast = lowest, atMost = highest, choices = [] } = followUp;
    if (ids.has(id)) return { keys, reason: `has the id ${id} of another follow-up question` };
    ids.add(id);
    if (atLeast < lowest || atMost > highest || atLeast > atMost)
      return { keys, reason: `matches no score; the scale ${scale} is ${lowest} to ${highest}` };
    texts.push({ keys: [...keys, 'text'], text: followUp.text });
    for (const choice of choices) texts.push({ keys: [...keys, 'choices', choice.id], text: choice.text });
  }
  const given = texts.filter((entry) => entry.text !== undefined);
  const languages = Object.keys(given[0]?.text ?? {});
  for (const { keys, text: words = {} } of given) {
    const missing = languages.find((language) => !(language in words));
    const extra = Object.keys(words).find((language) => !languages.includes(language));
    if (missing ?? extra)
      return { keys, reason: `must have the same languages as the other texts, ${languages.join(', ')}` };
  }
  return undefined;
}

/** What is wrong with how a policy asks. */
export function askingFaultOf(policy: Policy, questions: ReadonlyMap<string, Question>): Fault | undefined {
  const { question: name } = policy.survey;
  if (!questions.has(name) && !isBuiltInQuestion(name)) {
    const known = [...questions.keys(), ...scaleNames].join(', ');
    return { keys: ['survey', 'question'], reason: `${name} does not exist; there are ${known}` };
  }
  const { scale } = questionNamed(name, questions);
  const { lowest, highest } = scaleOf(scale);
  const { scoreAtMost } = policy.alert;
  if (scoreAtMost === null || scoreAtMost === neverAlert || (scoreAtMost >= lowest && scoreAtMost <= highest))
    return undefined;
  return {
    keys: ['alert', 'scoreAtMost'],
    reason: `must be ${lowest} to ${highest}, or never: the question ${name} has the scale ${scale}`,
  };
}
