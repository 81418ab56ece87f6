/** Error responses: turns every failure of a request into one of Closeout's errors, in the format that the sender expects. */
import type { IncomingMessage } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Brand } from '../customer/brand.js';
import { originOf } from '../contract/error-details.js';
import { CloseoutError, errors, type ErrorCode } from '../contract/errors.js';
import { invalidLink, isForCustomers, sendRefusal } from './customer-page.js';
import { isForOperators, sendDesk, wantsPage } from './desk/page.js';

const unexpected = 'Internal error; the log has the details.';

/** What every error needs to be answered. */
interface Surroundings {
  /** The built-in one, because a wrong link names no other, and looking one up may be what failed. */
  brand: Brand;
  publicUrl: string;
  /** The methods that a path is known for. */
  methodsOf: (path: string) => string[];
}

/** Call it before any route is added. */
export function handleErrors(app: FastifyInstance, brand: Brand, publicUrl: string): void {
  const around: Surroundings = { brand, publicUrl, methodsOf: knownMethods(app) };
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') await discard(request.raw);
    // What is wrong with the body matters only where a body is expected.
    const isUnknown = request.is404 && !(error instanceof CloseoutError);
    return sendError(
      request,
      reply,
      around,
      isUnknown ? unknownPath(request, around) : toCloseoutError(error, request),
      error,
    );
  });
  app.setNotFoundHandler((request, reply) => sendError(request, reply, around, unknownPath(request, around)));
}

interface KnownRoute {
  method: string;
  url: string;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route, as it was added. */
    knownRoutes: KnownRoute[];
  }
}

/** Collects the routes as they are added. */
function knownMethods(app: FastifyInstance): Surroundings['methodsOf'] {
  const routes: { path: RegExp; methods: string[] }[] = [];
  const known: KnownRoute[] = [];
  app.decorate('knownRoutes', known);
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')));
    known.push(...[method].flat().map((each) => ({ method: each, url })));
    routes.push({ path: new RegExp(`^${pattern.join('/')}$`), methods: [method].flat() });
  });
  return (path) =>
    [...new Set(routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods))].sort();
}

/** A sender that is cut off in the middle never reads our answer, so the rest of its body is read and discarded. */
function discard(body: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = setTimeout(resolve, 10_000);
    for (const event of ['end', 'close', 'error'])
      body.once(event, () => {
        clearTimeout(giveUp);
        resolve();
      });
    body.resume();
  });
}

function unknownPath({ method, url }: FastifyRequest, { methodsOf }: Surroundings): CloseoutError {
  const path = url.split('?')[0] ?? '';
  const allowed = methodsOf(path);
  if (allowed.length > 0)
    return new CloseoutError(
      'MethodNotAllowed',
      `${method} is not allowed here; allowed methods are ${allowed.join(', ')}.`,
    );
  return new CloseoutError('NotFound', isForCustomers(path) ? invalidLink : 'Nothing exists at this path.');
}

/** Translates what Fastify itself refuses. */
function toCloseoutError(error: FastifyError, { routeOptions }: FastifyRequest): CloseoutError {
  if (error instanceof CloseoutError) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new CloseoutError(
        'BodyTooLarge',
        `The body is too large; ${routeOptions.bodyLimit / 1024} KiB is allowed, 48 KiB for a form.`,
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new CloseoutError(
        'NotJson',
        'Content-Type must be application/json, or application/x-www-form-urlencoded for a form.',
        'Content-Type',
      );
  }
  if (error instanceof SyntaxError || error.statusCode === 400)
    return new CloseoutError('BadInput', 'The body is not valid JSON.');
  return new CloseoutError('Unexpected', unexpected);
}

/** Never throws: Fastify would answer with the message of the second error, which may quote a customer's words. */
function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  around: Surroundings,
  error: CloseoutError,
  cause?: Error,
): FastifyReply {
  try {
    return describeError(request, reply, around, error, cause);
  } catch (failure) {
    request.log.error({ failure: 'Unexpected', ...originOf(failure as Error) });
    return reply.code(500).type('text/plain; charset=utf-8').send(`${unexpected}\n`);
  }
}

/** A page for people; for programs the error body of TMF621: code, reason, message, status. */
function describeError(
  request: FastifyRequest,
  reply: FastifyReply,
  around: Surroundings,
  error: CloseoutError,
  cause?: Error,
): FastifyReply {
  const { http } = errors[error.code];
  const { brand, publicUrl, methodsOf } = around;
  if (error.code === 'MethodNotAllowed') reply.header('allow', methodsOf(request.url.split('?')[0] ?? '').join(', '));
  if (http >= 500) request.log.error({ failure: error.code, ...originOf(cause ?? error) });
  if (http === 503) reply.header('retry-after', secondsToRetry);
  if (refusals.has(error.code)) logRefusal(request, error.code);
  if (isForCustomers(request.url)) return sendRefusal(request, reply, brand, error, http);
  if (isForOperators(request) || (request.is404 && wantsPage(request)))
    return sendDesk(
      reply,
      './desk/error.html.eta',
      { title: 'Closeout', nav: 'other', heading: reasonOf(error.code), message: error.message },
      http,
    );
  return reply.code(http).send({
    '@type': 'Error',
    code: error.code,
    reason: reasonOf(error.code),
    message: error.message,
    status: `${http}`,
    referenceError: `${publicUrl}/errors#${error.code}`,
    field: error.field || undefined, // empty if it is the whole body
  });
}

/** When a program may try again what cannot be done now. */
const secondsToRetry = 10;

/** Logged, so that attempts to guess tokens or logins can be found. */
const refusals = new Set<ErrorCode>(['Unauthorized', 'Forbidden', 'LoginFailed']);

/** Skips customers, whose addresses are not logged, and requests without credentials. A path may hold a link, so the route is logged. */
export function logRefusal(request: FastifyRequest, refused: ErrorCode): void {
  const { authorization, cookie } = request.headers;
  if (isForCustomers(request.url) || (refused === 'Unauthorized' && !authorization && !cookie)) return;
  request.log.info({ refused, method: request.method, route: request.routeOptions.url, from: request.ip });
}

/** `ReportNotFound` → `Report not found`. */
const reasonOf = (code: ErrorCode): string =>
  code.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
