/** The survey's form, shown on its own page and, once the report is closed, on the confirmation page. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { now } from '../client/clock.js';
import type { FollowUp, FollowUpAnswers, QuestionSet } from '../contract/question.js';
import { scaleOf, scoresOf } from '../contract/scale.js';
import type { Answer, StoredAnswer, Survey } from '../contract/survey.js';
import type { Report } from '../contract/reports.js';
import { signLink } from '../customer/links.js';
import type { Voice } from '../customer/brand.js';
import type { Language } from '../customer/texts.js';
import { endedPage, maxFollowUpLength, surveyPage, type FormError } from '../customer/pages.js';
import { changeableUntil } from '../policy/deadlines.js';
import { isInReopenWindow, linkState, type LinkState } from '../policy/links.js';
import { answersAsked } from '../policy/questions.js';
import { languagesOf } from '../customer/question.js';
import { lengthError, sendPage, typedText, voiceFor, type Exchange } from './customer-page.js';
import { parseInput } from './parse.js';

function scoreText({ scale }: QuestionSet) {
  const { lowest, highest } = scaleOf(scale);
  return z.enum(scoresOf(scale).map(String), `must be ${lowest} to ${highest}`).transform(Number);
}

/** A form may send one name several times: every choice counts, and the last of the rest. */
const listOf = (given: unknown) => [given ?? []].flat();

const answerTo = ({ choices }: FollowUp): z.ZodType<string[] | string> =>
  choices
    ? z.preprocess(listOf, z.array(z.enum(choices.map(({ id }) => id)))).transform((ids) => [...new Set(ids)])
    : z.preprocess((given) => listOf(given).at(-1), typedText);

const formOf = (question: QuestionSet) =>
  z.object({
    score: scoreText(question).optional(),
    comment: typedText,
    solved: z.preprocess((given) => listOf(given).at(-1), z.enum(['yes', 'no'], 'must be yes or no').optional()),
    ...Object.fromEntries(question.followUps.map((followUp) => [`ask-${followUp.id}`, answerTo(followUp)])),
  });

export function readSurveyForm(body: unknown, question: QuestionSet): Answer {
  const { score, solved, comment, ...others } = parseInput(formOf(question), body ?? {});
  const given = question.followUps.map(({ id }): [string, string[] | string] => [
    id,
    (others as FollowUpAnswers)[`ask-${id}`] ?? '',
  ]);
  return {
    score,
    solved: solved && solved === 'yes',
    comment: comment || undefined,
    followUps: answersAsked(question, score, Object.fromEntries(given)),
  };
}

export function toAnswer(stored: StoredAnswer | undefined): Answer {
  if (!stored) return {};
  const { score, solved, comment, followUps } = stored;
  return { score: score ?? undefined, solved: solved ?? undefined, comment: comment ?? undefined, followUps };
}

/** Says which typed text is too long, and by how much; undefined if none is. */
export function lengthErrorIn({ comment = '', followUps = {} }: Answer, voice: Voice): FormError | undefined {
  for (const [id, words] of Object.entries(followUps)) {
    const text = typeof words === 'string' ? lengthError(words, voice, maxFollowUpLength) : undefined;
    if (text) return { text, field: `ask-${id}` };
  }
  const text = lengthError(comment, voice);
  return text ? { text, field: 'comment' } : undefined;
}

/** What the customer wrote and had not said before. */
function newWordsIn({ comment, followUps = {} }: Answer, before: StoredAnswer | undefined): string | undefined {
  const known = [before?.comment, ...Object.values(before?.followUps ?? {})];
  const typed = [...Object.values(followUps), comment].filter((words) => typeof words === 'string');
  return typed.filter((words) => words !== '' && !known.includes(words)).join('\n\n') || undefined;
}

/** Adds what the link in the mail preselects: `?r=4` or `?solved=no`. */
export function preselect(answer: Answer, query: { r?: unknown; solved?: unknown }, question: QuestionSet): Answer {
  const score = scoreText(question).safeParse(query.r);
  return {
    ...answer,
    score: score.success ? score.data : answer.score,
    solved: query.solved === 'no' ? false : answer.solved,
  };
}

/** Too late for an answer, but not to say that the problem is not solved. */
export const canReopen = (survey: Survey, state: LinkState, { status, cycle }: Report): boolean =>
  (state === 'expired' || state === 'answered') &&
  status === 'closed' &&
  cycle === survey.cycle &&
  isInReopenWindow(survey.reopenUntil, now());

/** The form with what is preselected or was typed; or, if the survey can no longer be answered, why. */
export async function showSurvey(
  { client, config, brands, request, reply }: Exchange,
  survey: Survey,
  before: StoredAnswer | undefined,
  answer: Answer,
  error?: FormError,
): Promise<FastifyReply> {
  const { reportId, confirmation, expiresAt } = survey;
  const [contact, report, asked] = await Promise.all([
    client.contactOf(reportId),
    client.get(reportId),
    client.surveys.questionOf(survey),
  ]);
  const voiceIn = (languages?: Language[]) =>
    voiceFor(request, brands.of(survey.brand), contact?.preferredLanguage, languages);
  const state = linkState(survey, before?.at, now());
  const path = `/s/${signLink('survey', survey.id, config.linkKeys)}`;
  if (state !== 'open' && state !== 'changeable') {
    const typed = request.method === 'POST' ? newWordsIn(answer, before) : undefined;
    const isLate = canReopen(survey, state, report);
    const late = isLate ? { path, reason: typed } : undefined;
    if (typed && !isLate) await client.surveys.addNote(survey, typed);
    return sendPage(reply, state === 'answered' ? 200 : 410, endedPage(voiceIn(), state, report, late));
  }
  const page = surveyPage(voiceIn(languagesOf(asked)), {
    report,
    asked,
    answer,
    error,
    changeableUntil: before && changeableUntil(before.at),
    confirmation,
    until: expiresAt,
    timeZone: contact?.timeZone,
    path,
  });
  return sendPage(reply, error ? 422 : 200, page);
}
