/** `/s/{token}`: the survey. `/u/{token}`: opting out of surveys. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { now } from '../client/clock.js';
import { hasCode } from '../contract/errors.js';
import { followUpIdOf } from '../contract/ids.js';
import type { Survey } from '../contract/survey.js';
import type { LinkPurpose } from '../customer/links.js';
import { languagesOf } from '../customer/question.js';
import { endedPage, optOutPage, repliedPage, thanksPage, withdrawnPage } from '../customer/pages.js';
import type { Voice } from '../customer/brand.js';
import type { Language } from '../customer/texts.js';
import { isInReopenWindow, linkState } from '../policy/links.js';
import { stateOf } from '../policy/status.js';
import {
  lengthError,
  queryOf,
  sendPage,
  surveyIdOf,
  surveyOf,
  typedText,
  voiceFor,
  type Exchange,
  type Limits,
  type LinkRequest,
  type Site,
} from './customer-page.js';
import { parseInput } from './parse.js';
import { canReopen, lengthErrorIn, preselect, readSurveyForm, showSurvey, toAnswer } from './survey-form.js';

export function surveyPages(app: FastifyInstance, site: Site, { reads, posts }: Limits) {
  const { client } = site;
  const find = (purpose: LinkPurpose, request: LinkRequest) => surveyOf(purpose, request, site);

  app.get('/s/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const [before, question] = await Promise.all([
      client.surveys.answerOf(survey.id),
      client.surveys.questionOf(survey),
    ]);
    const answer = preselect(toAnswer(before), request.query as object, question);
    return showSurvey({ ...site, request, reply }, survey, before, answer);
  });

  app.post('/s/:token', posts, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const question = await client.surveys.questionOf(survey);
    const answer = readSurveyForm(request.body, question);
    const before = await client.surveys.answerOf(survey.id);
    const voice = voiceFor(request, site.brands.of(survey.brand), undefined, languagesOf(question));
    const exchange = { ...site, request, reply };
    const isEmpty = answer.score === undefined && answer.solved !== false;
    const error = isEmpty ? { text: voice.t.page.choose, field: 'first' } : lengthErrorIn(answer, voice);
    if (error) return showSurvey(exchange, survey, before, answer, error);
    // Ten clicks at once store one answer, and each of them shows it.
    const stored = await client.surveys.answer(survey.id, answer);
    if (!stored) return showSurvey(exchange, await find('survey', request), before, answer);
    return reply.redirect(`/s/${request.params.token}/thanks${queryOf(request)}`, 303);
  });

  app.get('/s/:token/thanks', reads, async (request: LinkRequest, reply) =>
    sendThanks({ ...site, request, reply }, await find('survey', request)),
  );

  /** Too late for an answer, but the problem is not solved. */
  app.post('/s/:token/reopen', posts, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const { reason } = parseInput(reopenForm, request.body ?? {});
    const exchange = { ...site, request, reply };
    const [report, before] = await Promise.all([client.get(survey.reportId), client.surveys.answerOf(survey.id)]);
    const voice = await voiceOfPage(exchange, survey);
    const error = lengthError(reason, voice);
    const state = linkState(survey, before?.at, now());
    const isInTime = canReopen(survey, state, report);
    if (isInTime && error) {
      const late = { path: `/s/${request.params.token}`, reason, error };
      return sendPage(reply, 422, endedPage(voice, state === 'answered' ? state : 'expired', report, late));
    }
    if (isInTime) await client.surveys.notSolved(survey, reason || undefined);
    else if (reason && report.statusReason !== reason) await client.surveys.addNote(survey, reason);
    return reply.redirect(`/s/${request.params.token}/reopened${queryOf(request)}`, 303);
  });

  // The error page of the form has this address; a browser may reload it.
  app.get('/s/:token/reopen', reads, async (request: LinkRequest, reply) => {
    await find('survey', request);
    return reply.redirect(`/s/${request.params.token}${queryOf(request)}`);
  });

  app.get('/s/:token/reopened', reads, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    // In this order: the ledger removes what is stored when it opens the report.
    const isReopening = await client.surveys.isReopening(survey.reportId);
    const report = await client.get(survey.reportId);
    const exchange = { ...site, request, reply };
    const state = stateOf(report.status);
    const voice = await voiceOfPage(exchange, survey);
    if (isReopening || state === 'open') return sendPage(reply, 200, repliedPage(voice, report, false));
    if (state === 'cancelled') return sendPage(reply, 200, withdrawnPage(voice, state, report.id));
    return showSurvey(exchange, survey, await client.surveys.answerOf(survey.id), {});
  });

  app.get('/u/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await find('optOut', request).catch(undefinedIfGone);
    return sendPage(
      reply,
      200,
      optOutPage(await voiceOfPage({ ...site, request, reply }, survey), 'ask', `/u/${request.params.token}`),
    );
  });

  /** From the page, and one-click from a mail program: no cookie, no login (RFC 8058). */
  app.post('/u/:token', { ...posts, config: { accepts: 'oneClick' } }, async (request: LinkRequest, reply) => {
    const survey = await find('optOut', request).catch(undefinedIfGone);
    const isUndone = (request.body as { undo?: unknown } | undefined)?.undo === 'yes';
    if (!survey) await client.customers.optOutOfRemoved(surveyIdOf('optOut', request, site) ?? '', isUndone);
    else await (isUndone ? client.surveys.undoOptOut(survey) : client.surveys.optOut(survey));
    const voice = await voiceOfPage({ ...site, request, reply }, survey);
    return sendPage(reply, 200, optOutPage(voice, isUndone ? 'undone' : 'done', `/u/${request.params.token}`));
  });
}

/** Opting out still works. */
function undefinedIfGone(error: unknown): undefined {
  if (!hasCode(error, 'Gone')) throw error;
}

const reopenForm = z.object({ reason: typedText.transform((text) => text.trim()) });

async function sendThanks(exchange: Exchange, survey: Survey): Promise<FastifyReply> {
  const { client, request, reply } = exchange;
  const { id, reportId, cycle, reopenUntil } = survey;
  const form = `/s/${request.params.token}${queryOf(request)}`;
  const [answer, asked, report] = await Promise.all([
    client.surveys.answerOf(id),
    client.surveys.questionOf(survey),
    client.get(reportId),
  ]);
  if (!answer) return reply.redirect(form, 303);
  const isUnsolved = answer.solved === false;
  const isInTime = isInReopenWindow(reopenUntil, answer.changedAt);
  // The page may be opened again once the next cycle is over.
  const isOver = report.cycle > cycle && stateOf(report.status) !== 'open';
  const page = thanksPage(await voiceOfPage(exchange, survey, languagesOf(asked)), {
    reportId,
    asked,
    score: answer.score ?? undefined,
    isReopened: isUnsolved && isInTime && !isOver,
    followUp: isUnsolved && !isInTime ? followUpIdOf(reportId, cycle) : undefined,
    changeLink: !isUnsolved && linkState(survey, answer.at, now()) === 'changeable' ? form : undefined,
  });
  return sendPage(reply, 200, page);
}

async function voiceOfPage(
  { client, brands, request }: Exchange,
  survey: Survey | undefined,
  languages?: Language[],
): Promise<Voice> {
  const contact = survey && (await client.contactOf(survey.reportId));
  return voiceFor(request, brands.of(survey?.brand ?? null), contact?.preferredLanguage, languages);
}
