/** A question in a customer's language: the company's own words where it has some, else those of the catalogue. */
import { isAskedAt, reasons } from '../policy/questions.js';
import type { ByLanguage, FollowUp, FollowUpAnswers, QuestionSet } from '../contract/question.js';
import { scoresOf, type ScaleName } from '../contract/scale.js';
import type { Voice } from './brand.js';
import type { Language } from './texts.js';

/** The languages that a question can be asked in, the most usual first; undefined: every language with a catalogue. */
export function languagesOf({ text, followUps }: QuestionSet): Language[] | undefined {
  const own = [
    text,
    ...followUps.flatMap((followUp) => [followUp.text, ...(followUp.choices ?? []).map((c) => c.text)]),
  ];
  const [first, ...others] = own.filter((words) => words !== undefined).map((words) => Object.keys(words));
  return first?.filter((language) => others.every((languages) => languages.includes(language)));
}

export const questionText = ({ scale, text }: QuestionSet, { language, t }: Voice): string =>
  text?.[language] ?? t.scales[scale].question;

/** A score with its words: `4 – satisfied`; `7` where the scale has words for its ends only; `👍 Yes`. */
export function scoreWords(score: number, scale: ScaleName, { t }: Pick<Voice, 't'>): string {
  const words = wordsOf(scale, t)[score];
  if (scale === 'thumbs') return words ?? '';
  return words === undefined ? `${score}` : `${score} – ${words}`;
}

const wordsOf = (scale: ScaleName, { scales }: Voice['t']): Record<number, string | undefined> => scales[scale].words;

/** Few scores have room for words beside each; others are a row of numbers between the words of its ends. */
export const isRow = (scale: ScaleName): boolean => scale === 'nps';

export interface FollowUpInWords {
  id: string;
  text: string;
  /** Undefined: the customer writes. */
  choices: { id: string; words: string; isTicked: boolean }[] | undefined;
  written: string;
}

export function followUpsInWords(
  { followUps }: QuestionSet,
  { language, t }: Voice,
  given: FollowUpAnswers = {},
): FollowUpInWords[] {
  return followUps.map(({ id, text, choices }) => {
    const answer = given[id];
    return {
      id,
      text: text ? `${inLanguage(text, language)} ${t.page.optional}` : t.page.complaints,
      choices: choices?.map((choice) => ({
        id: choice.id,
        words: choiceWords(choice, { language, t }),
        isTicked: Array.isArray(answer) && answer.includes(choice.id),
      })),
      written: typeof answer === 'string' ? answer : '',
    };
  });
}

function choiceWords(
  { id, text }: NonNullable<FollowUp['choices']>[number],
  { language, t }: Pick<Voice, 'language' | 't'>,
) {
  if (text) return inLanguage(text, language);
  const reason = reasons.find((known) => known === id);
  return reason ? t.page.complaint[reason] : id;
}

const inLanguage = (text: ByLanguage, language: Language): string => text[language] ?? Object.values(text)[0] ?? '';

/** Which follow-up questions a score leads to, as their positions from 1: `1 3`. */
export const asksAt = ({ followUps }: QuestionSet, score: number): string =>
  followUps.flatMap((followUp, index) => (isAskedAt(followUp, score) ? [index + 1] : [])).join(' ');

export const optionsOf = ({ scale }: QuestionSet): number[] => scoresOf(scale);
