/** `/s/{token}`: the survey. `/u/{token}`: no more surveys. GET shows and records nothing, whoever fetches it; POST records. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../config.js';
import { CloseoutError } from '../contract/errors.js';
import type { Score } from '../contract/reports.js';
import type { Survey } from '../outside/surveys.js';
import { linkState } from '../policy/survey.js';
import { hashAddress } from '../survey/addresses.js';
import { verifyLink, type LinkPurpose } from '../survey/links.js';
import { html } from '../survey/templates.js';
import { ratings, scores } from '../survey/texts.js';

/** Pages that a customer opens from a mail: what goes wrong there is told in a page as well. */
export const isForCustomers = (path: string): boolean => /^\/[su]\//.test(path);

export const invalidLink = 'This link is not valid.';

type LinkRequest = FastifyRequest<{ Params: { token: string } }>;

const css = readFileSync(fileURLToPath(new URL('../../src/survey/templates/page.css', import.meta.url)), 'utf8');
const longest = 2000;

const form = z.object({
  score: z.enum(['1', '2', '3', '4', '5']).optional(),
  comment: z.string().default(''),
  solved: z.enum(['yes', 'no']).optional(),
});

export function surveyPages(app: FastifyInstance, config: Config, client: CloseoutClient): void {
  /** Unknown, forged and foreign links get one and the same answer. */
  const surveyOf = async (purpose: LinkPurpose, { params }: LinkRequest): Promise<Survey> => {
    const id = verifyLink(purpose, params.token, config.linkKeys);
    const survey = id && (await client.surveys.find(id));
    if (!survey || survey.state === 'skipped') throw new CloseoutError('NotFound', invalidLink);
    return survey;
  };
  const page = (reply: FastifyReply, code: number, template: string, view: object) =>
    reply
      .code(code)
      .type('text/html; charset=utf-8')
      .header('x-robots-tag', 'noindex')
      .send(html.render(`./${template}.html.eta`, view));

  app.get('/assets/page.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(css));

  app.get('/s/:token', async (request: LinkRequest, reply) => {
    const survey = await surveyOf('survey', request);
    const { r, solved } = request.query as { r?: string; solved?: string };
    return showForm(reply, survey, { chosen: Number(r), notSolved: solved === 'no' });
  });

  app.get('/s/:token/thanks', async (request: LinkRequest, reply) => {
    const survey = await surveyOf('survey', request);
    if (survey.state !== 'answered') return reply.redirect(`/s/${request.params.token}`, 303);
    const answer = await client.surveys.answerOf(survey.id);
    const score = answer?.score;
    return page(reply, 200, 'thanks', {
      reportId: survey.report_id,
      rating: score && `${score} – ${ratings[score]}`,
      reopened: answer?.solved === false,
    });
  });

  app.post('/s/:token', async (request: LinkRequest, reply) => {
    assertOwnForm(request, config);
    const survey = await surveyOf('survey', request);
    const { score, comment, solved } = readForm(request.body);
    const error = problemWith(score, comment, solved);
    if (error) return showForm(reply, survey, { chosen: Number(score), notSolved: solved === 'no', comment, error });
    const answer = {
      ...(score ? { score: Number(score) as Score } : {}),
      ...(solved ? { solved: solved === 'yes' } : {}),
      ...(comment ? { comment } : {}),
    };
    const stored = await client.answer(survey.id, answer);
    // Told twice, or by ten clicks at once: the first counts, and each of them may see it.
    const now = stored ? undefined : await surveyOf('survey', request);
    return stored || now?.state === 'answered'
      ? reply.redirect(`/s/${request.params.token}/thanks`, 303)
      : showForm(reply, now ?? survey, {});
  });

  interface FormView {
    chosen?: number;
    notSolved?: boolean;
    comment?: string;
    error?: string;
  }

  async function showForm(
    reply: FastifyReply,
    survey: Survey,
    { chosen, notSolved = false, comment = '', error }: FormView,
  ) {
    const state = linkState(survey.state, survey.expires_at ?? survey.claimed_at, new Date());
    if (state !== 'open')
      return page(reply, state === 'answered' ? 200 : 410, 'ended', { state, reportId: survey.report_id });
    const report = await client.reports.get(survey.report_id);
    const options = scores.map((score) => ({ score, word: ratings[score], checked: score === chosen }));
    const view = {
      reportId: report.id,
      summary: report.name ?? report.description,
      options,
      notSolved,
      comment,
      error,
      longest,
    };
    return page(reply, error ? 422 : 200, 'survey', view);
  }

  app.get('/u/:token', async (request: LinkRequest, reply) => {
    await surveyOf('optOut', request);
    return page(reply, 200, 'opt-out', { done: false });
  });

  /** From the page, and RFC 8058 one-click from a mail program: no cookie, no log-in. */
  app.post('/u/:token', async (request: LinkRequest, reply) => {
    const survey = await surveyOf('optOut', request);
    const contact = await client.reports.contactOf(survey.report_id);
    if (contact?.emailAddress)
      await client.surveys.optOut(hashAddress(contact.emailAddress, config.addressKey), 'link');
    return page(reply, 200, 'opt-out', { done: true });
  });
}

function readForm(body: unknown): z.infer<typeof form> {
  const result = form.safeParse(body ?? {});
  if (!result.success)
    throw new CloseoutError(
      'BadInput',
      'score must be 1 to 5, solved yes or no.',
      String(result.error.issues[0]?.path[0] ?? ''),
    );
  return result.data;
}

function problemWith(score: string | undefined, comment: string, solved: string | undefined): string | undefined {
  if (!score && solved !== 'no') return 'Please choose one of the five answers.';
  const length = Array.from(comment).length; // code points
  return length > longest ? `Please shorten your comment: it has ${length} characters, ${longest} fit.` : undefined;
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
