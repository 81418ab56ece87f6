/** `/c/{token}`: is it fixed? Once it is said, or too late to say, the survey's question stands on the same page. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../config.js';
import { CloseoutError } from '../contract/errors.js';
import type { Survey } from '../outside/surveys.js';
import { confirmState, linkState } from '../policy/survey.js';
import { confirmedPage, confirmPage, endedPage, latePage, longestComment } from '../survey/pages.js';
import { languages } from '../survey/texts.js';
import {
  assertOwnForm,
  languageOf,
  queryOf,
  sendPage,
  surveyOf,
  type Exchange,
  type Limits,
  type LinkRequest,
} from './customer-page.js';
import { showSurvey, toAnswer } from './survey-pages.js';

const form = z.object({
  fixed: z.enum(['yes', 'no'], 'must be yes or no'),
  reason: z
    .string()
    .default('')
    .transform((text) => text.replaceAll('\0', '').trim()),
  /** Which clearing the page was about; ms since 1970. */
  clearing: z.coerce.number().int().optional(),
});

interface Chosen {
  fixed?: boolean;
  reason?: string;
  error?: string;
}

export function confirmPages(app: FastifyInstance, config: Config, client: CloseoutClient, { reads, posts }: Limits) {
  app.get('/c/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await surveyOf('confirm', request, client, config);
    const { fixed } = request.query as { fixed?: unknown };
    const chosen = fixed === 'yes' || fixed === 'no' ? { fixed: fixed === 'yes' } : {};
    return show({ client, config, request, reply }, survey, chosen);
  });

  app.post('/c/:token', posts, async (request: LinkRequest, reply) => {
    assertOwnForm(request, config);
    const survey = await surveyOf('confirm', request, client, config);
    const exchange = { client, config, request, reply };
    const { clearing, reason, ...said } = readForm(request.body);
    const fixed = said.fixed === 'yes';
    const length = Array.from(reason).length; // code points
    if (length > longestComment) {
      const error = languages[languageOf(request)].page.tooLong(`${length}`, `${longestComment}`);
      return show(exchange, survey, { fixed, reason, error });
    }
    // A page from before the last clearing is shown anew; a form without it is about the one that stands.
    const isCurrent = clearing === undefined || clearing === survey.confirm_for?.getTime();
    const { confirm_for: clearedAt } = survey;
    const isStored =
      isCurrent &&
      clearedAt &&
      (await client.surveys.confirm(survey.id, { fixed, clearedAt, ...(fixed ? {} : { reason }) }));
    if (isStored) return reply.redirect(`/c/${request.params.token}${queryOf(request)}`, 303);
    return show(exchange, await surveyOf('confirm', request, client, config), { fixed, reason });
  });
}

function readForm(body: unknown): z.infer<typeof form> {
  const result = form.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = String(issue?.path[0] ?? '');
  throw new CloseoutError('BadInput', `${field} ${issue?.message}.`, field);
}

/** The page by what was said and what became of the report; what was typed too late is not lost but stands in the survey. */
async function show(exchange: Exchange, survey: Survey, chosen: Chosen): Promise<FastifyReply> {
  const { client, request, reply } = exchange;
  const [report, contact] = await Promise.all([
    client.reports.get(survey.report_id),
    client.reports.contactOf(survey.report_id),
  ]);
  const language = languageOf(request, contact?.preferredLanguage);
  const state = confirmState(survey.confirmation, report.status);
  if (state === 'open') {
    const view = { report, clearedAt: survey.confirm_for ?? new Date(), timeZone: contact?.timeZone };
    const { fixed, reason = '', error } = chosen;
    const path = `/c/${request.params.token}`;
    return sendPage(reply, error ? 422 : 200, confirmPage(language, { ...view, fixed, reason, error, path }));
  }
  if (state === 'refused') return sendPage(reply, 200, confirmedPage(language, report.id, false));
  if (state === 'withdrawn') return sendPage(reply, 410, endedPage(language, 'superseded', report.id));
  const before = await client.surveys.answerOf(survey.id);
  if (linkState(survey, before?.at, new Date()) === 'superseded') {
    if (state === 'confirmed') return sendPage(reply, 200, confirmedPage(language, report.id, true));
    const closedAt = report.closedAt ?? new Date().toISOString();
    return sendPage(reply, 410, latePage(language, report.id, closedAt, contact?.timeZone));
  }
  const said = chosen.fixed === false ? { solved: false, comment: chosen.reason ?? '' } : {};
  return showSurvey(exchange, survey, before, { ...toAnswer(before), ...said });
}
