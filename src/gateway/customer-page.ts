/** What all pages have in common that customers open from a mail: GET shows and records nothing, whoever fetches it; POST records. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';
import { CloseoutError } from '../contract/errors.js';
import type { Survey } from '../outside/surveys/surveys.js';
import { verifyLink, type LinkPurpose } from '../customer/links.js';
import { longestComment, refusedPage } from '../customer/pages.js';
import { isLanguage, languageFor, languages, type Language } from '../customer/texts.js';

/** Pages that a customer opens from a mail: what goes wrong there is told in a page as well. */
export const isForCustomers = (path: string): boolean => /^\/[suc]\//.test(path);

export const invalidLink = 'This link is not valid.';

export type LinkRequest = FastifyRequest<{ Params: { token: string } }>;

/** Per minute. A form is sent a few times at most; many customers may share an address. */
const limits = { postsByLink: 30, postsByAddress: 600, readsByAddress: 6000 };

/** One request for a page, and what it is answered from. */
export interface Exchange {
  client: CloseoutClient;
  config: Config;
  request: LinkRequest;
  reply: FastifyReply;
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Route options: how often a page may be read or posted to, and what a post must be. */
export interface Limits {
  reads: { onRequest: Hook };
  posts: { onRequest: Hook[]; config: { accepts: 'form' } };
}

export async function limitsOf(app: FastifyInstance): Promise<Limits> {
  await app.register(rateLimit, { global: false });
  const limit = (max: number, keyGenerator?: (request: FastifyRequest) => string): Hook => {
    const ask = app.createRateLimit({ max, timeWindow: '1 minute', ...(keyGenerator ? { keyGenerator } : {}) });
    return async (request, reply) => {
      const answer = await ask(request);
      if (answer.isAllowed || !answer.isExceeded) return;
      reply.header('retry-after', answer.ttlInSeconds);
      throw new CloseoutError('TooManyRequests', 'Too many requests; wait a minute and try again.');
    };
  };
  const token = ({ params }: FastifyRequest) => (params as { token: string }).token;
  return {
    reads: { onRequest: limit(limits.readsByAddress) },
    posts: {
      onRequest: [limit(limits.postsByAddress), limit(limits.postsByLink, token)],
      config: { accepts: 'form' },
    },
  };
}

/** Unknown, forged and foreign links get one and the same answer. */
export async function surveyOf(
  purpose: LinkPurpose,
  { params }: LinkRequest,
  client: CloseoutClient,
  { linkKeys }: Config,
): Promise<Survey> {
  const id = verifyLink(purpose, params.token, linkKeys);
  const survey = id && (await client.surveys.find(id));
  if (!survey || (survey.state === 'skipped' && !survey.mailed_at)) throw new CloseoutError('NotFound', invalidLink);
  return survey;
}

/** What goes wrong on a customer's page, in words a customer can use. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, error: CloseoutError, code: number) {
  const { refused } = languages[languageOf(request)];
  const words =
    error.code === 'TooManyRequests' ? refused.tooMany : error.code === 'NotFound' ? refused.invalid : error.message;
  const text = code >= 500 ? refused.failed : words;
  return sendPage(reply, code, refusedPage(languageOf(request), text));
}

export function sendPage(reply: FastifyReply, code: number, page: string): FastifyReply {
  return reply.code(code).type('text/html; charset=utf-8').header('x-robots-tag', 'noindex').send(page);
}

/** The language chosen on the page, else the preferred one, else the browser's. */
export function languageOf(request: FastifyRequest, preferred?: string): Language {
  return languageFor(chosenLanguage(request), preferred, request.headers['accept-language']);
}

/** Keeps the chosen language on the next page. */
export function queryOf(request: FastifyRequest): string {
  const lang = chosenLanguage(request);
  return lang !== undefined && isLanguage(lang) ? `?lang=${lang}` : '';
}

function chosenLanguage(request: FastifyRequest): string | undefined {
  const { lang } = request.query as { lang?: unknown };
  return typeof lang === 'string' ? lang : undefined;
}

/** What a customer typed: PostgreSQL keeps every character but NUL. */
export const typed = z
  .string()
  .default('')
  .transform((text) => text.replaceAll('\0', ''));

/** How much it is too long by, in the customer's words; undefined: it fits. */
export function tooLong(text: string, language: Language): string | undefined {
  const { length } = Array.from(text); // code points
  return length > longestComment ? languages[language].page.tooLong(`${length}`, `${longestComment}`) : undefined;
}
