/** `/c/{token}`: is the problem fixed? After the customer's reply, or if it is too late, the page asks the survey's question. */
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { now } from '../client/clock.js';
import type { Report } from '../contract/reports.js';
import type { StoredAnswer, Survey } from '../contract/survey.js';
import { repliedPage, confirmPage, latePage, withdrawnPage } from '../customer/pages.js';
import type { Voice } from '../customer/brand.js';
import { confirmationLinkState, isInReopenWindow, linkState, type ConfirmationLinkState } from '../policy/links.js';
import {
  lengthError,
  queryOf,
  sendPage,
  surveyOf,
  typedText,
  voiceFor,
  type Exchange,
  type Limits,
  type LinkRequest,
  type Site,
} from './customer-page.js';
import { minute } from '../policy/time.js';
import { parseInput } from './parse.js';
import { showSurvey, toAnswer } from './survey-form.js';

const form = z.object({
  fixed: z.enum(['yes', 'no'], 'must be yes or no'),
  reason: typedText.transform((text) => text.trim()),
  /** The clearing that the page was about; ms since 1970. */
  clearing: z.coerce.number().int().optional(),
});

/** Input that is preselected by the link or typed by the customer. */
interface Input {
  fixed?: boolean;
  reason?: string;
  error?: string;
}

export function confirmPages(app: FastifyInstance, site: Site, { reads, posts }: Limits) {
  app.get('/c/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await surveyOf('confirm', request, site);
    const { fixed } = request.query as { fixed?: unknown };
    const input = fixed === 'yes' || fixed === 'no' ? { fixed: fixed === 'yes' } : {};
    return showPage({ ...site, request, reply }, survey, input);
  });

  app.post('/c/:token', posts, async (request: LinkRequest, reply) => {
    const survey = await surveyOf('confirm', request, site);
    return receiveReply({ ...site, request, reply }, survey);
  });
}

async function receiveReply(exchange: Exchange, survey: Survey): Promise<FastifyReply> {
  const { client, brands, request, reply } = exchange;
  const { clearing, reason, fixed: choice } = parseInput(form, request.body ?? {});
  const fixed = choice === 'yes';
  const error = lengthError(reason, voiceFor(request, brands.of(survey.brand)));
  if (error) return showPage(exchange, survey, { fixed, reason, error });
  // A page about an earlier clearing is shown again; a form without a clearing is about the current one.
  const { confirmFor: clearedAt } = survey;
  const isCurrent = clearing === undefined || clearing === clearedAt?.getTime();
  const isStored = isCurrent && clearedAt && (await client.surveys.confirm(survey.id, { fixed, clearedAt, reason }));
  if (isStored && fixed) await untilDecided(client, survey.id);
  if (isStored) return reply.redirect(`/c/${request.params.token}${queryOf(request)}`, 303);
  const current = await surveyOf('confirm', request, exchange);
  const { report, isReopenable } = await viewOf(client, current);
  if (!fixed && isReopenable) {
    await client.surveys.notSolved(current, reason || undefined);
    return sendPage(reply, 200, repliedPage(voiceFor(request, brands.of(survey.brand)), report, false));
  }
  return showPage(exchange, current, { fixed, reason });
}

/** The closing, and with it the survey's question, takes a moment. Usually the next page can ask it. */
async function untilDecided(client: CloseoutClient, id: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    if ((await client.surveys.find(id))?.state !== 'queued') return;
    await pause(100);
  }
}

interface ConfirmationView {
  report: Report;
  before: StoredAnswer | undefined;
  state: ConfirmationLinkState;
  /** The survey's form accepts what the customer has to say. */
  isInSurvey: boolean;
  /** Closed, or about to be; there is no survey in which to say that the problem is not fixed, but still time to reopen. */
  isReopenable: boolean;
}

async function viewOf(client: CloseoutClient, survey: Survey): Promise<ConfirmationView> {
  const [report, before] = await Promise.all([client.get(survey.reportId), client.surveys.answerOf(survey.id)]);
  const state = confirmationLinkState(survey, report);
  const isInSurvey = (state === 'confirmed' || state === 'late') && acceptsAnswers(survey, before);
  const isInTime = isInReopenWindow(survey.reopenUntil, now());
  return {
    report,
    before,
    state,
    isInSurvey,
    isReopenable: (state === 'late' || state === 'confirmed') && !isInSurvey && isInTime,
  };
}

const acceptsAnswers = (survey: Survey, before: StoredAnswer | undefined): boolean =>
  ['open', 'changeable', 'answered'].includes(linkState(survey, before?.at, now()));

/** Shows what the customer said and what became of the report. If no form accepts typed words, an operator reads them. */
async function showPage(
  exchange: Exchange,
  survey: Survey,
  { fixed, reason = '', error }: Input,
): Promise<FastifyReply> {
  const { client, brands, request, reply } = exchange;
  const view = await viewOf(client, survey);
  const { report, before, state } = view;
  if (view.isInSurvey) {
    const answer = toAnswer(before);
    if (fixed === false) answer.solved = false;
    if (reason) answer.comment = reason;
    return showSurvey(exchange, survey, before, answer);
  }
  const contact = await client.contactOf(survey.reportId);
  const voice = voiceFor(request, brands.of(survey.brand), contact?.preferredLanguage);
  // After a "yes", only who asks for it gets a form to say "no".
  if (state === 'open' || (view.isReopenable && (state === 'late' || fixed === false))) {
    const page = confirmPage(voice, {
      report,
      clearedAt: survey.confirmFor ?? now(),
      confirmation: survey.confirmation,
      isLate: state !== 'open',
      fixed,
      reason,
      error,
      timeZone: contact?.timeZone,
      path: `/c/${request.params.token}`,
    });
    return sendPage(reply, error ? 422 : 200, page);
  }
  const isNew = reason !== '' && ![survey.confirmReason, report.statusReason].includes(reason); // a double click says it once
  if (isNew) await client.surveys.addNote(survey, reason);
  // Reloads until the page can ask the survey's question, or it is clear that there is none.
  if (state === 'confirmed' && survey.state === 'queued' && isJustConfirmed(survey)) reply.header('refresh', '5');
  return sendEnd(reply, voice, view, survey, contact?.timeZone);
}

/** A report that cannot be closed now takes longer, and a page that reloads for hours disturbs whoever reads it. */
const isJustConfirmed = ({ confirmedAt }: Survey): boolean =>
  confirmedAt !== null && now().getTime() - confirmedAt.getTime() < minute;

function sendEnd(
  reply: FastifyReply,
  voice: Voice,
  { state, report }: ConfirmationView,
  { confirmation }: Survey,
  timeZone: string | undefined,
): FastifyReply {
  switch (state) {
    case 'confirmed':
      return sendPage(reply, 200, repliedPage(voice, report, true));
    case 'refused':
      return sendPage(reply, 200, repliedPage(voice, report, false));
    case 'late':
      return sendPage(reply, 410, latePage(voice, report, confirmation, timeZone));
    default:
      return sendPage(reply, 410, withdrawnPage(voice, state === 'cancelled' ? 'cancelled' : 'reopened', report.id));
  }
}
