/** `/s/{token}`: the survey. `/u/{token}`: no more surveys. GET shows and records nothing, whoever fetches it; POST records. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';
import { CloseoutError } from '../contract/errors.js';
import { followUpIdOf } from '../contract/ids.js';
import { complaints, type Complaint, type Score } from '../contract/reports.js';
import type { Answer, StoredAnswer } from '../outside/surveys/answers.js';
import type { Survey } from '../outside/surveys/surveys.js';
import { changeableUntil, linkState, mayComplain, reopens } from '../policy/survey.js';
import { signLink, type LinkPurpose } from '../customer/links.js';
import { endedPage, optOutPage, surveyPage, thanksPage } from '../customer/pages.js';
import { languages, type Language } from '../customer/texts.js';
import {
  languageOf,
  queryOf,
  sendPage,
  surveyOf,
  tooLong,
  typed,
  type Exchange,
  type Limits,
  type LinkRequest,
} from './customer-page.js';

const css = readFileSync(fileURLToPath(new URL('../../src/views/page.css', import.meta.url)), 'utf8');

/** A form may send one name several times; of the buttons and circles named `solved` the pressed one comes last. */
const form = z.object({
  score: z.enum(['1', '2', '3', '4', '5']).optional(),
  comment: typed,
  complaint: z.preprocess((given) => [given ?? []].flat(), z.array(z.enum(complaints))),
  solved: z.preprocess((given) => [given].flat().at(-1), z.enum(['yes', 'no']).optional()),
});

export function surveyPages(app: FastifyInstance, config: Config, client: CloseoutClient, { reads, posts }: Limits) {
  const find = (purpose: LinkPurpose, request: LinkRequest) => surveyOf(purpose, request, client, config);

  app.get('/assets/page.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(css));

  app.get('/s/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const { r, solved } = request.query as { r?: string; solved?: string };
    const before = await client.surveys.answerOf(survey.id);
    const said = { ...toAnswer(before), ...(isScore(r) ? { score: Number(r) as Score } : {}) };
    return showSurvey(
      { client, config, request, reply },
      survey,
      before,
      solved === 'no' ? { ...said, solved: false } : said,
    );
  });

  app.post('/s/:token', posts, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const said = readForm(request.body);
    const before = await client.surveys.answerOf(survey.id);
    const { page } = languages[languageOf(request)];
    const exchange = { client, config, request, reply };
    if (!said.score && said.solved !== false) return showSurvey(exchange, survey, before, said, page.choose);
    const error = tooLong(said.comment ?? '', languageOf(request));
    if (error) return showSurvey(exchange, survey, before, said, error);
    // Told twice, or by ten clicks at once: one answer, and each of them may see it.
    const stored = await client.surveys.answer(survey.id, said);
    if (!stored) return showSurvey(exchange, await find('survey', request), before, said);
    return reply.redirect(`/s/${request.params.token}/thanks${queryOf(request)}`, 303);
  });

  app.get('/s/:token/thanks', reads, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const answer = await client.surveys.answerOf(survey.id);
    const home = `/s/${request.params.token}${queryOf(request)}`;
    if (!answer) return reply.redirect(home, 303);
    const isUnsolved = answer.solved === false;
    const inTime = reopens(survey.reopen_until?.toISOString(), answer.changed_at.getTime());
    const view = {
      reportId: survey.report_id,
      score: answer.score ?? undefined,
      reopened: isUnsolved && inTime,
      followUp: isUnsolved && !inTime ? followUpIdOf(survey.report_id, survey.cycle) : undefined,
      changeAt: linkState(survey, answer.at, new Date()) === 'changeable' ? home : undefined,
    };
    return sendPage(reply, 200, thanksPage(await languageOfPage(request, survey), view));
  });

  app.get('/u/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await find('optOut', request);
    return sendPage(reply, 200, optOutPage(await languageOfPage(request, survey), false));
  });

  /** From the page, and RFC 8058 one-click from a mail program: no cookie, no log-in. */
  app.post('/u/:token', { ...posts, config: { accepts: 'oneClick' } }, async (request: LinkRequest, reply) => {
    const survey = await find('optOut', request);
    await client.surveys.optOut(survey);
    return sendPage(reply, 200, optOutPage(await languageOfPage(request, survey), true));
  });

  /** The language chosen on the page, else the report's, else the browser's. */
  async function languageOfPage(request: FastifyRequest, survey: Survey): Promise<Language> {
    const contact = await client.reports.contactOf(survey.report_id);
    return languageOf(request, contact?.preferredLanguage);
  }
}

/** The survey's form; or, where it can no longer be answered, why. */
export async function showSurvey(
  { client, config, request, reply }: Exchange,
  survey: Survey,
  before: StoredAnswer | undefined,
  said: Answer,
  error?: string,
): Promise<FastifyReply> {
  const contact = await client.reports.contactOf(survey.report_id);
  const language = languageOf(request, contact?.preferredLanguage);
  const state = linkState(survey, before?.at, new Date());
  if (state !== 'open' && state !== 'changeable')
    return sendPage(reply, state === 'answered' ? 200 : 410, endedPage(language, state, survey.report_id));
  const report = await client.reports.get(survey.report_id);
  const view = {
    report,
    said,
    error,
    changeable: before && changeableUntil(before.at),
    confirmation: survey.confirmation,
    until: survey.expires_at,
    timeZone: contact?.timeZone,
    path: `/s/${signLink('survey', survey.id, config.linkKeys)}`,
  };
  return sendPage(reply, error ? 422 : 200, surveyPage(language, view));
}

const isScore = (text: unknown): boolean => typeof text === 'string' && /^[1-5]$/.test(text);

export function toAnswer(stored: StoredAnswer | undefined): Answer {
  if (!stored) return {};
  const { score, solved, comment, complaints: ticked } = stored;
  return { score: score ?? undefined, solved: solved ?? undefined, comment: comment ?? undefined, complaints: ticked };
}

function readForm(body: unknown): Answer {
  const result = form.safeParse(body ?? {});
  if (!result.success)
    throw new CloseoutError(
      'BadInput',
      'score must be 1 to 5, solved yes or no.',
      String(result.error.issues[0]?.path[0] ?? ''),
    );
  const { score, solved, comment, complaint } = result.data;
  const rated = score && (Number(score) as Score);
  const ticked = [...new Set(complaint)].filter(() => mayComplain(rated)) satisfies Complaint[];
  return {
    ...(rated ? { score: rated } : {}),
    ...(solved ? { solved: solved === 'yes' } : {}),
    ...(comment ? { comment } : {}),
    complaints: ticked,
  };
}
