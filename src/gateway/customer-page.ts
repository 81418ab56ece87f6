/** Helpers of all pages that customers open from a mail. GET shows a page and records nothing; POST records. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import type { Survey } from '../contract/survey.js';
import { storable } from '../contract/text.js';
import { verifyLink, type LinkPurpose } from '../customer/links.js';
import { maxCommentLength } from '../contract/survey.js';
import { gonePage, refusedPage } from '../customer/pages.js';
import { voiceOf, type Brand, type Brands, type Voice } from '../customer/brand.js';
import { isLanguage, type Language } from '../customer/texts.js';
import type { GatewayConfig } from '../setup/config.js';

/** Errors on these paths are answered with a page. */
export const isForCustomers = (path: string): boolean => /^\/[suc]\//.test(path);

export const invalidLink = 'This link is not valid.';

export type LinkRequest = FastifyRequest<{ Params: { token: string } }>;

/**
 * Per minute. A customer sends a form a few times at most. An address is limited only in links that are not valid: many customers
 * may share it, and none of them is locked out by somebody who guesses.
 */
const limits = { postsByLink: 30, invalidPosts: 600, invalidReads: 6000 };

/** What the pages need to answer. */
export interface Site {
  client: CloseoutClient;
  config: GatewayConfig;
  brands: Brands;
}

/** One request for a page, and what it is answered with. */
export interface Exchange extends Site {
  request: LinkRequest;
  reply: FastifyReply;
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Route options: how often a page may be read or posted to, and what a post must be. */
export interface Limits {
  reads: { onRequest: Hook };
  posts: { onRequest: Hook[]; config: { accepts: 'form' } };
}

export async function limitsOf(app: FastifyInstance, { linkKeys }: GatewayConfig): Promise<Limits> {
  await app.register(rateLimit, { global: false });
  // By address, unless said otherwise; of an IPv6 address, the network counts.
  const limit = (max: number, by: { keyGenerator?: (request: FastifyRequest) => string } = {}) => {
    const check = app.createRateLimit({ max, timeWindow: '1 minute', ...by });
    return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const verdict = await check(request);
      if (verdict.isAllowed || !verdict.isExceeded) return;
      reply.header('retry-after', verdict.ttlInSeconds);
      throw new CloseoutError('TooManyRequests', 'Too many requests; wait a minute and try again.');
    };
  };
  const tokenOf = ({ params }: FastifyRequest) => (params as { token: string }).token;
  const countInvalidRead = limit(limits.invalidReads);
  const countInvalidPost = limit(limits.invalidPosts);
  const countPost = limit(limits.postsByLink, { keyGenerator: tokenOf });
  const isValid = (request: FastifyRequest) =>
    purposes.some((purpose) => verifyLink(purpose, tokenOf(request), linkKeys));
  return {
    reads: { onRequest: async (request, reply) => (isValid(request) ? undefined : countInvalidRead(request, reply)) },
    posts: {
      onRequest: [
        async (request, reply) => (isValid(request) ? countPost(request, reply) : countInvalidPost(request, reply)),
      ],
      config: { accepts: 'form' },
    },
  };
}

const purposes: LinkPurpose[] = ['survey', 'confirm', 'optOut'];

/** Undefined for a link that we have not signed for this purpose. */
export const surveyIdOf = (purpose: LinkPurpose, { params }: LinkRequest, { config }: Site): string | undefined =>
  verifyLink(purpose, params.token, config.linkKeys);

/** Unknown, forged and foreign links get the same answer. Throws `NotFound`; `Gone` if the report was deleted. */
export async function surveyOf(purpose: LinkPurpose, request: LinkRequest, site: Site): Promise<Survey> {
  const { client } = site;
  const id = surveyIdOf(purpose, request, site);
  const survey = id && (await client.surveys.find(id));
  if (id && !survey && (await client.customers.isRemoved(id)))
    throw new CloseoutError('Gone', 'The report of this link was deleted.');
  if (!survey || (survey.state === 'skipped' && !survey.mailedAt)) throw new CloseoutError('NotFound', invalidLink);
  return survey;
}

/** An error in words that a customer can use. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  brand: Brand,
  error: CloseoutError,
  code: number,
): FastifyReply {
  const voice = voiceFor(request, brand);
  const page = error.code === 'Gone' ? gonePage(voice) : refusedPage(voice, refusalText(voice, error, code));
  return sendPage(reply, code, page);
}

function refusalText({ t: { refused } }: Voice, error: CloseoutError, code: number): string {
  if (code >= 500) return refused.failed;
  if (error.code === 'TooManyRequests') return refused.tooMany;
  if (error.code === 'LimitReached') return refused.limit;
  if (error.code === 'BodyTooLarge') return refused.tooLong;
  return error.code === 'NotFound' ? refused.invalid : error.message;
}

export function sendPage(reply: FastifyReply, code: number, page: string): FastifyReply {
  return reply.code(code).type('text/html; charset=utf-8').header('x-robots-tag', 'noindex').send(page);
}

/** In the language chosen on the page, else the preferred one, else the browser's. */
export const voiceFor = (request: FastifyRequest, brand: Brand, preferred?: string, languages?: Language[]): Voice =>
  voiceOf(brand, [chosenLanguage(request), preferred, request.headers['accept-language']], languages);

/** Keeps the chosen language on the next page. */
export function queryOf(request: FastifyRequest): string {
  const lang = chosenLanguage(request);
  return lang !== undefined && isLanguage(lang) ? `?lang=${lang}` : '';
}

function chosenLanguage(request: FastifyRequest): string | undefined {
  const { lang } = request.query as { lang?: unknown };
  return typeof lang === 'string' ? lang : undefined;
}

/** Text that a customer typed. Browsers send line breaks as two characters. */
export const typedText = z
  .string()
  .default('')
  .transform((text) => storable(text).replaceAll('\r\n', '\n'));

/** Says by how much a text is too long, in the customer's language; undefined if it is not. */
export function lengthError(text: string, { t }: Voice, longest = maxCommentLength): string | undefined {
  const { length } = Array.from(text); // code points
  return length > longest ? t.page.tooLong({ length: `${length}`, longest: `${longest}` }) : undefined;
}
