/** The HTTP side of Closeout: parse, call the client, answer. One port for API, survey pages and health. */
import type { IncomingMessage } from 'node:http';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';
import { CloseoutError, errors, type ErrorCode } from '../contract/errors.js';
import { guard } from './access.js';
import { health } from './health.js';
import { mergePatch, parseJson } from './json-body.js';
import { outbox } from './outbox.js';
import { previews } from './previews.js';
import { dashboard } from './dashboard.js';
import { metrics } from './metrics.js';
import { confirmPages } from './confirm-pages.js';
import { invalidLink, isForCustomers, limitsOf, sendRefusal } from './customer-page.js';
import { surveyPages } from './survey-pages.js';
import { serviceProblems } from './service-problems.js';
import { ticketPath } from './tickets.js';
import { tmf621 } from './tmf621.js';
import { traces } from './traces.js';

/** 2,000 code points of four bytes take 24 KB when a form escapes them. */
const formLimit = 32 * 1024;

export async function buildGateway(config: Config, client: CloseoutClient, log: Logger): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = log;
  const app = Fastify({
    loggerInstance,
    disableRequestLogging: true,
    routerOptions: { maxParamLength: 16_384 },
    rewriteUrl: ({ url = '/' }) => decodable(url),
    bodyLimit: 1024 * 1024,
    ...(config.http.trustedProxies.length > 0 ? { trustProxy: config.http.trustedProxies } : {}),
  });
  // No script anywhere; referrer stays inside, where "no-referrer" would make the form's own Origin null.
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'same-origin' },
    hsts: config.http.publicUrl.startsWith('https:'),
  });
  app.removeContentTypeParser('text/plain'); // Fastify's own; nothing here takes it, so it is answered with 415
  app.addContentTypeParser(['application/json', mergePatch], { parseAs: 'string' }, parseJson(app));
  traces(app);
  app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
  app.addHook('onRequest', guard(config));
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') await passOver(request.raw);
    return sendError(request, reply, toCloseoutError(error), error);
  });
  app.setNotFoundHandler((request, reply) => sendError(request, reply, unknownPath(request)));
  tmf621(app, client, config.http.publicUrl);
  serviceProblems(app, client);
  await app.register(async (pages) => {
    await takeForms(pages);
    const limits = await limitsOf(pages);
    surveyPages(pages, config, client, limits);
    confirmPages(pages, config, client, limits);
  });
  dashboard(app, config, client);
  metrics(app, config, client);
  health(app, client);
  if (config.mail.outboxDir) {
    outbox(app, config.mail.outboxDir);
    previews(app, config);
  }
  return app;
}

/** Only customers' pages take forms: a browser lets any site send one to any other. */
async function takeForms(pages: FastifyInstance): Promise<void> {
  await pages.register(formbody, { bodyLimit: formLimit });
  // One-click unsubscribing may use multipart (RFC 8058 §3.2); the body is ignored, because the link says it all.
  pages.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer', bodyLimit: formLimit },
    (_request, _body, done) => done(null, undefined),
  );
}

/** A sender that is cut off in the middle never reads our answer: what it still sends is passed over, within reason. */
function passOver(body: IncomingMessage): Promise<void> {
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

/** Takes a path that cannot be decoded literally, so that it passes the same hooks and gets the same answer as any unknown one. */
function decodable(url: string): string {
  const [path = '', ...query] = url.split('?');
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

function unknownPath({ method, url }: FastifyRequest): CloseoutError {
  const path = url.split('?')[0] ?? '';
  const isKnown = path === ticketPath || path.startsWith(`${ticketPath}/`) || isForCustomers(path);
  return isKnown && method !== 'GET'
    ? new CloseoutError('MethodNotAllowed', `${method} is not offered here.`)
    : new CloseoutError('NotFound', isForCustomers(path) ? invalidLink : 'There is nothing here.');
}

function allowed(path: string): string {
  if (isForCustomers(path)) return 'GET, HEAD, POST';
  return path === ticketPath ? 'GET, HEAD, POST' : 'GET, HEAD, PATCH';
}

/** What fastify itself found wrong, and what is down, in our words. */
function toCloseoutError(error: FastifyError): CloseoutError {
  if (error instanceof CloseoutError) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new CloseoutError('BodyTooLarge', 'The body is too large; 1 MiB is allowed, 32 KiB for a form.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new CloseoutError(
        'NotJson',
        'Content-Type must be application/json, or application/x-www-form-urlencoded for a form.',
        'Content-Type',
      );
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new CloseoutError('BadInput', 'The body is not valid JSON.');
  }
  if (error instanceof SyntaxError || error.statusCode === 400)
    return new CloseoutError('BadInput', 'The body is not valid JSON.');
  return new CloseoutError('Unexpected', 'Something went wrong here; it was logged.');
}

/** Never throws: Fastify would answer with the message of the second error, which may quote what a customer wrote. */
function sendError(request: FastifyRequest, reply: FastifyReply, error: CloseoutError, cause?: Error): FastifyReply {
  try {
    return describeError(request, reply, error, cause);
  } catch (failure) {
    logFailure(request, 'Unexpected', failure as Error);
    return reply.code(500).type('text/plain; charset=utf-8').send('Something went wrong here; it was logged.\n');
  }
}

/** A page for customers; for everybody else the error body of TMF621: code, reason, message, status. */
function describeError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: CloseoutError,
  cause?: Error,
): FastifyReply {
  const { http } = errors[error.code];
  if (error.code === 'MethodNotAllowed') reply.header('allow', allowed(request.url.split('?')[0] ?? ''));
  if (http >= 500) logFailure(request, error.code, cause ?? error);
  if (isForCustomers(request.url)) return sendRefusal(request, reply, error, http);
  const body = {
    '@type': 'Error',
    code: error.code,
    reason: reasons[error.code],
    message: error.message,
    status: `${http}`,
  };
  return reply.code(http).send({ ...body, ...(error.field ? { referenceError: error.field } : {}) });
}

/** Frames only: a message may quote what a customer wrote. */
function logFailure(request: FastifyRequest, failure: ErrorCode, error: Error & { code?: string }): void {
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at '));
  request.log.error({ failure, name: error.name, code: error.code, at: frames?.slice(0, 4) });
}

const reasons = Object.fromEntries(
  Object.keys(errors).map((code) => [
    code,
    code.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`),
  ]),
) as Record<ErrorCode, string>;
