/** `/s/{token}`: the survey. `/u/{token}`: no more surveys. GET shows and records nothing, whoever fetches it; POST records. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../config.js';
import { CloseoutError } from '../contract/errors.js';
import { followUpIdOf } from '../contract/ids.js';
import { complaints, type Complaint, type Score } from '../contract/reports.js';
import type { Answer, StoredAnswer } from '../outside/answers.js';
import type { Survey } from '../outside/surveys.js';
import { changeableUntil, linkState, mayComplain, reopens } from '../policy/survey.js';
import { verifyLink, type LinkPurpose } from '../survey/links.js';
import { endedPage, longestComment, optOutPage, refusedPage, surveyPage, thanksPage } from '../survey/pages.js';
import { languageFor, languages, type Language } from '../survey/texts.js';

/** Pages that a customer opens from a mail: what goes wrong there is told in a page as well. */
export const isForCustomers = (path: string): boolean => /^\/[su]\//.test(path);

export const invalidLink = 'This link is not valid.';

type LinkRequest = FastifyRequest<{ Params: { token: string } }>;

const css = readFileSync(fileURLToPath(new URL('../../src/survey/templates/page.css', import.meta.url)), 'utf8');

/** A form may send one name several times; of the buttons and circles named `solved` the pressed one comes last. */
const form = z.object({
  score: z.enum(['1', '2', '3', '4', '5']).optional(),
  comment: z
    .string()
    .default('')
    .transform((text) => text.replaceAll('\0', '')),
  complaint: z.preprocess((given) => [given ?? []].flat(), z.array(z.enum(complaints))),
  solved: z.preprocess((given) => [given].flat().at(-1), z.enum(['yes', 'no']).optional()),
});

/** Per minute. A form is sent a few times at most; many customers may share an address. */
const limits = { postsByLink: 30, postsByAddress: 600, readsByAddress: 6000 };

/** What goes wrong on a customer's page, in words a customer can use. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, error: CloseoutError, code: number) {
  const { refused } = languages[languageOf(request)];
  const words =
    error.code === 'TooManyRequests' ? refused.tooMany : error.code === 'NotFound' ? refused.invalid : error.message;
  const text = code >= 500 ? refused.failed : words;
  return sendPage(reply, code, refusedPage(languageOf(request), text));
}

export async function surveyPages(app: FastifyInstance, config: Config, client: CloseoutClient): Promise<void> {
  await app.register(rateLimit, { global: false });
  const limit = (max: number, keyGenerator?: (request: FastifyRequest) => string) => {
    const ask = app.createRateLimit({ max, timeWindow: '1 minute', ...(keyGenerator ? { keyGenerator } : {}) });
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const answer = await ask(request);
      if (answer.isAllowed || !answer.isExceeded) return;
      reply.header('retry-after', answer.ttlInSeconds);
      throw new CloseoutError('TooManyRequests', 'Too many requests; wait a minute and try again.');
    };
  };
  const reads = { onRequest: limit(limits.readsByAddress) };
  const token = ({ params }: FastifyRequest) => (params as { token: string }).token;
  const posts = { onRequest: [limit(limits.postsByAddress), limit(limits.postsByLink, token)] };

  /** Unknown, forged and foreign links get one and the same answer. */
  const surveyOf = async (purpose: LinkPurpose, { params }: LinkRequest): Promise<Survey> => {
    const id = verifyLink(purpose, params.token, config.linkKeys);
    const survey = id && (await client.surveys.find(id));
    if (!survey || (survey.state === 'skipped' && !survey.mailed_at)) throw new CloseoutError('NotFound', invalidLink);
    return survey;
  };

  app.get('/assets/page.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(css));

  app.get('/s/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await surveyOf('survey', request);
    const { r, solved } = request.query as { r?: string; solved?: string };
    const before = await client.surveys.answerOf(survey.id);
    const said = { ...toAnswer(before), ...(isScore(r) ? { score: Number(r) as Score } : {}) };
    return showForm(request, reply, survey, before, solved === 'no' ? { ...said, solved: false } : said);
  });

  app.post('/s/:token', posts, async (request: LinkRequest, reply) => {
    assertOwnForm(request, config);
    const survey = await surveyOf('survey', request);
    const said = readForm(request.body);
    const before = await client.surveys.answerOf(survey.id);
    const { page } = languages[languageOf(request)];
    const length = Array.from(said.comment ?? '').length; // code points
    if (!said.score && said.solved !== false) return showForm(request, reply, survey, before, said, page.choose);
    if (length > longestComment)
      return showForm(request, reply, survey, before, said, page.tooLong(`${length}`, `${longestComment}`));
    // Told twice, or by ten clicks at once: one answer, and each of them may see it.
    const stored = await client.surveys.answer(survey.id, said);
    if (!stored) return showForm(request, reply, await surveyOf('survey', request), before, said);
    return reply.redirect(`/s/${request.params.token}/thanks${queryOf(request)}`, 303);
  });

  app.get('/s/:token/thanks', reads, async (request: LinkRequest, reply) => {
    const survey = await surveyOf('survey', request);
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
    const survey = await surveyOf('optOut', request);
    return sendPage(reply, 200, optOutPage(await languageOfPage(request, survey), false));
  });

  /** From the page, and RFC 8058 one-click from a mail program: no cookie, no log-in. */
  app.post('/u/:token', posts, async (request: LinkRequest, reply) => {
    const survey = await surveyOf('optOut', request);
    await client.surveys.optOut(survey);
    return sendPage(reply, 200, optOutPage(await languageOfPage(request, survey), true));
  });

  /** The language chosen on the page, else the report's, else the browser's. */
  async function languageOfPage(request: FastifyRequest, survey: Survey): Promise<Language> {
    const contact = await client.reports.contactOf(survey.report_id);
    return languageOf(request, contact?.preferredLanguage);
  }

  async function showForm(
    request: LinkRequest,
    reply: FastifyReply,
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
    const changeable = before && changeableUntil(before.at);
    const view = {
      report,
      said,
      error,
      changeable,
      until: survey.expires_at,
      timeZone: contact?.timeZone,
      path: `/s/${request.params.token}`,
    };
    return sendPage(reply, error ? 422 : 200, surveyPage(language, view));
  }
}

function sendPage(reply: FastifyReply, code: number, page: string): FastifyReply {
  return reply.code(code).type('text/html; charset=utf-8').header('x-robots-tag', 'noindex').send(page);
}

function languageOf(request: FastifyRequest, preferred?: string): Language {
  const { lang } = request.query as { lang?: unknown };
  return languageFor(typeof lang === 'string' ? lang : undefined, preferred, request.headers['accept-language']);
}

/** A chosen language goes on to the next page. */
function queryOf(request: FastifyRequest): string {
  const { lang } = request.query as { lang?: unknown };
  return typeof lang === 'string' && lang in languages ? `?lang=${lang}` : '';
}

const isScore = (text: unknown): boolean => typeof text === 'string' && /^[1-5]$/.test(text);

function toAnswer(stored: StoredAnswer | undefined): Answer {
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

/** No cookie gives anybody power here; still, only our own page may post, and only a form. */
function assertOwnForm({ headers }: FastifyRequest, { http }: Config): void {
  const { origin, 'sec-fetch-site': site } = headers;
  const foreign = (origin !== undefined && origin !== new URL(http.publicUrl).origin) || site === 'cross-site';
  if (foreign) throw new CloseoutError('Unauthorized', 'This form can only be sent from its own page.');
  if (!/^application\/x-www-form-urlencoded/.test(headers['content-type'] ?? '')) {
    throw new CloseoutError('NotJson', 'Content-Type must be application/x-www-form-urlencoded.', 'Content-Type');
  }
}
