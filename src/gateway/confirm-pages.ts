/** `/c/{token}`: is it fixed? Once it is said, or too late to say, the survey's question stands on the same page. */
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';
import { CloseoutError } from '../contract/errors.js';
import type { Report } from '../contract/reports.js';
import type { StoredAnswer } from '../outside/surveys/answers.js';
import type { Survey } from '../outside/surveys/surveys.js';
import { confirmState, linkState, reopens, type ConfirmState } from '../policy/survey.js';
import { confirmedPage, confirmPage, latePage, withdrawnPage } from '../customer/pages.js';
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
import { showSurvey, toAnswer } from './survey-pages.js';

const form = z.object({
  fixed: z.enum(['yes', 'no'], 'must be yes or no'),
  reason: typed.transform((text) => text.trim()),
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
    const survey = await surveyOf('confirm', request, client, config);
    const exchange = { client, config, request, reply };
    const { clearing, reason, ...said } = readForm(request.body);
    const fixed = said.fixed === 'yes';
    const error = tooLong(reason, languageOf(request));
    if (error) return show(exchange, survey, { fixed, reason, error });
    // A page from before the last clearing is shown anew; a form without it is about the one that stands.
    const isCurrent = clearing === undefined || clearing === survey.confirm_for?.getTime();
    const { confirm_for: clearedAt } = survey;
    const isStored = isCurrent && clearedAt && (await client.surveys.confirm(survey.id, { fixed, clearedAt, reason }));
    if (isStored && fixed) await untilDecided(client, survey.id);
    if (isStored) return reply.redirect(`/c/${request.params.token}${queryOf(request)}`, 303);
    const now = await surveyOf('confirm', request, client, config);
    if (!fixed && (await standingOf(client, now)).isReopenable) {
      await client.reopen(now.report_id, { by: 'customer', reason });
      return sendPage(reply, 200, confirmedPage(languageOf(request), await client.reports.get(now.report_id), false));
    }
    return show(exchange, now, { fixed, reason });
  });
}

/** The closing, and with it the survey's question, takes a moment: the next page shows it, mostly. */
async function untilDecided(client: CloseoutClient, id: string): Promise<void> {
  for (let tries = 0; tries < 20 && (await client.surveys.find(id))?.state === 'claimed'; tries++) await pause(100);
}

const takesAnswers = (survey: Survey, before: StoredAnswer | undefined): boolean =>
  ['open', 'changeable', 'answered'].includes(linkState(survey, before?.at, new Date()));

interface Standing {
  report: Report;
  before: StoredAnswer | undefined;
  state: ConfirmState;
  /** The survey's form takes what is still to be said. */
  inSurvey: boolean;
  /** Closed, or about to be, without the customer's word; no survey to say it in, and still in time. */
  isReopenable: boolean;
}

async function standingOf({ reports, surveys }: CloseoutClient, survey: Survey): Promise<Standing> {
  const [report, before] = await Promise.all([reports.get(survey.report_id), surveys.answerOf(survey.id)]);
  const state = confirmState(survey, report);
  const inSurvey = (state === 'confirmed' || state === 'late') && takesAnswers(survey, before);
  const isInTime = reopens(survey.reopen_until?.toISOString(), Date.now());
  return { report, before, state, inSurvey, isReopenable: state === 'late' && !inSurvey && isInTime };
}

function readForm(body: unknown): z.infer<typeof form> {
  const result = form.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = String(issue?.path[0] ?? '');
  throw new CloseoutError('BadInput', `${field} ${issue?.message}.`, field);
}

/** The page by what was said and what became of the report. What was typed is never lost: if no form takes it, it is a note. */
async function show(exchange: Exchange, survey: Survey, chosen: Chosen): Promise<FastifyReply> {
  const { client, request, reply } = exchange;
  const [{ report, before, state, inSurvey, isReopenable }, contact] = await Promise.all([
    standingOf(client, survey),
    client.reports.contactOf(survey.report_id),
  ]);
  const language = languageOf(request, contact?.preferredLanguage);
  const { confirmation, confirm_for: clearedAt } = survey;
  const { fixed, reason = '', error } = chosen;
  const timeZone = contact?.timeZone;
  if (inSurvey) {
    const said = { ...(fixed === false ? { solved: false } : {}), ...(reason ? { comment: reason } : {}) };
    return showSurvey(exchange, survey, before, { ...toAnswer(before), ...said });
  }
  if (state === 'open' || isReopenable) {
    const path = `/c/${request.params.token}`;
    const asked = { report, confirmation, clearedAt: clearedAt ?? new Date(), fixed, reason, error, timeZone, path };
    return sendPage(reply, error ? 422 : 200, confirmPage(language, { ...asked, isLate: state === 'late' }));
  }
  if (reason) await client.surveys.keepWords(survey.id, reason);
  switch (state) {
    case 'confirmed':
      // Until the survey's question is there, or it is clear that none comes.
      if (survey.state === 'claimed') reply.header('refresh', '5');
      return sendPage(reply, 200, confirmedPage(language, report, true));
    case 'refused':
      return sendPage(reply, 200, confirmedPage(language, report, false));
    case 'late':
      return sendPage(reply, 410, latePage(language, report, confirmation, timeZone));
    default:
      return sendPage(reply, 410, withdrawnPage(language, state === 'cancelled' ? 'cancelled' : 'reopened', report.id));
  }
}
