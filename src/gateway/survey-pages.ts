/** `/s/{token}`: the survey. `/u/{token}`: opting out of surveys. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { followUpIdOf } from '../contract/ids.js';
import type { Survey } from '../contract/survey.js';
import type { LinkPurpose } from '../customer/links.js';
import { optOutPage, repliedPage, thanksPage } from '../customer/pages.js';
import { textsOf, type Language } from '../customer/texts.js';
import { isInReopenWindow, linkState } from '../policy/links.js';
import type { Config } from '../setup/config.js';
import {
  languageOf,
  lengthError,
  queryOf,
  sendPage,
  surveyOf,
  typedText,
  type Limits,
  type LinkRequest,
} from './customer-page.js';
import { parseInput } from './parse.js';
import { canReopen, preselect, readSurveyForm, showSurvey, toAnswer } from './survey-form.js';

export function surveyPages(app: FastifyInstance, config: Config, client: CloseoutClient, { reads, posts }: Limits) {
  const find = (purpose: LinkPurpose, request: LinkRequest) => surveyOf(purpose, request, client, config);

  app.get('/s/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const before = await client.surveys.answerOf(survey.id);
    const answer = preselect(toAnswer(before), request.query as object);
    return showSurvey({ client, config, request, reply }, survey, before, answer);
  });

  app.post('/s/:token', posts, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const answer = readSurveyForm(request.body);
    const before = await client.surveys.answerOf(survey.id);
    const language = languageOf(request);
    const exchange = { client, config, request, reply };
    const isEmpty = answer.score === undefined && answer.solved !== false;
    const error = isEmpty ? textsOf(language).page.choose : lengthError(answer.comment ?? '', language);
    if (error) return showSurvey(exchange, survey, before, answer, error);
    // Ten clicks at once store one answer, and each of them shows it.
    const stored = await client.surveys.answer(survey.id, answer);
    if (!stored) return showSurvey(exchange, await find('survey', request), before, answer);
    return reply.redirect(`/s/${request.params.token}/thanks${queryOf(request)}`, 303);
  });

  app.get('/s/:token/thanks', reads, async (request: LinkRequest, reply) =>
    sendThanks(client, request, reply, await find('survey', request)),
  );

  /** Too late for an answer, but the problem is not solved. */
  app.post('/s/:token/reopen', posts, async (request: LinkRequest, reply) => {
    const survey = await find('survey', request);
    const { reason } = parseInput(reopenForm, request.body ?? {});
    const [report, before] = await Promise.all([client.get(survey.reportId), client.surveys.answerOf(survey.id)]);
    const language = await languageOfPage(client, request, survey);
    if (!canReopen(survey, linkState(survey, before?.at, new Date()), report)) {
      if (reason) await client.surveys.addNote(survey, reason);
      return showSurvey({ client, config, request, reply }, survey, before, toAnswer(before));
    }
    const reopened = await client.reopen(report.id, { by: 'customer', reason: reason || undefined });
    return sendPage(reply, 200, repliedPage(language, reopened.report, false));
  });

  app.get('/u/:token', reads, async (request: LinkRequest, reply) => {
    const survey = await find('optOut', request);
    return sendPage(reply, 200, optOutPage(await languageOfPage(client, request, survey), 'ask'));
  });

  /** From the page, and one-click from a mail program: no cookie, no login (RFC 8058). */
  app.post('/u/:token', { ...posts, config: { accepts: 'oneClick' } }, async (request: LinkRequest, reply) => {
    const survey = await find('optOut', request);
    const isUndone = (request.body as { undo?: unknown } | undefined)?.undo === 'yes';
    await (isUndone ? client.surveys.undoOptOut(survey) : client.surveys.optOut(survey));
    const language = await languageOfPage(client, request, survey);
    return sendPage(reply, 200, optOutPage(language, isUndone ? 'undone' : 'done'));
  });
}

const reopenForm = z.object({ reason: typedText });

async function sendThanks(
  client: CloseoutClient,
  request: LinkRequest,
  reply: FastifyReply,
  survey: Survey,
): Promise<FastifyReply> {
  const { id, reportId, cycle, reopenUntil } = survey;
  const form = `/s/${request.params.token}${queryOf(request)}`;
  const answer = await client.surveys.answerOf(id);
  if (!answer) return reply.redirect(form, 303);
  const isUnsolved = answer.solved === false;
  const isInTime = isInReopenWindow(reopenUntil, answer.changedAt);
  const page = thanksPage(await languageOfPage(client, request, survey), {
    reportId,
    score: answer.score ?? undefined,
    isReopened: isUnsolved && isInTime,
    followUp: isUnsolved && !isInTime ? followUpIdOf(reportId, cycle) : undefined,
    changeLink: !isUnsolved && linkState(survey, answer.at, new Date()) === 'changeable' ? form : undefined,
  });
  return sendPage(reply, 200, page);
}

async function languageOfPage(client: CloseoutClient, request: FastifyRequest, survey: Survey): Promise<Language> {
  const contact = await client.contactOf(survey.reportId);
  return languageOf(request, contact?.preferredLanguage);
}
