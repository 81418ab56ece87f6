/** The survey's form, shown on its own page and, once the report is closed, on the confirmation page. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  complaints,
  highestScore,
  scores,
  type Answer,
  type Score,
  type StoredAnswer,
  type Survey,
} from '../contract/survey.js';
import type { Report } from '../contract/reports.js';
import { signLink } from '../customer/links.js';
import { endedPage, surveyPage } from '../customer/pages.js';
import { changeableUntil } from '../policy/deadlines.js';
import { isInReopenWindow, linkState, type LinkState } from '../policy/links.js';
import { asksForReasons } from '../policy/survey.js';
import { queryOf, sendPage, typedText, voiceFor, type Exchange } from './customer-page.js';
import { parseInput } from './parse.js';

const scoreText = z
  .enum(scores.map(String), `must be ${scores[0]} to ${highestScore}`)
  .transform((text) => Number(text) as Score);

/** A form may send one name several times; the last one counts. */
const form = z.object({
  score: scoreText.optional(),
  comment: typedText,
  complaint: z.preprocess((given) => [given ?? []].flat(), z.array(z.enum(complaints))),
  solved: z.preprocess((given) => [given].flat().at(-1), z.enum(['yes', 'no'], 'must be yes or no').optional()),
});

export function readSurveyForm(body: unknown): Answer {
  const { score, solved, comment, complaint } = parseInput(form, body ?? {});
  return {
    score,
    solved: solved && solved === 'yes',
    comment: comment || undefined,
    complaints: asksForReasons(score) ? [...new Set(complaint)] : [],
  };
}

export function toAnswer(stored: StoredAnswer | undefined): Answer {
  if (!stored) return {};
  const { score, solved, comment, complaints: ticked } = stored;
  return { score: score ?? undefined, solved: solved ?? undefined, comment: comment ?? undefined, complaints: ticked };
}

/** Adds what the link in the mail preselects: `?r=4` or `?solved=no`. */
export function preselect(answer: Answer, query: { r?: unknown; solved?: unknown }): Answer {
  const score = scoreText.safeParse(query.r);
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
  isInReopenWindow(survey.reopenUntil, new Date());

/** The form with what is preselected or was typed; or, if the survey can no longer be answered, why. */
export async function showSurvey(
  { client, config, brands, request, reply }: Exchange,
  survey: Survey,
  before: StoredAnswer | undefined,
  answer: Answer,
  error?: string,
): Promise<FastifyReply> {
  const { reportId, confirmation, expiresAt } = survey;
  const contact = await client.contactOf(reportId);
  const voice = voiceFor(request, brands.of(survey.brand), contact?.preferredLanguage);
  const state = linkState(survey, before?.at, new Date());
  const report = await client.get(reportId);
  const path = `/s/${signLink('survey', survey.id, config.linkKeys)}`;
  if (state !== 'open' && state !== 'changeable') {
    const late = canReopen(survey, state, report) ? { path: `${path}/reopen${queryOf(request)}` } : undefined;
    return sendPage(reply, state === 'answered' ? 200 : 410, endedPage(voice, state, report, late));
  }
  const page = surveyPage(voice, {
    report,
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
