/** The HTTP side of Closeout: parse, call the client, answer. One port for the API, the pages, metrics and health. */
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { CloseoutClient } from '../client.js';
import { loadBrands } from '../setup/brands.js';
import type { GatewayConfig } from '../setup/config.js';
import { loadSystems } from '../setup/systems-file.js';
import { guard } from './access.js';
import { alarmWebhooks } from './alarms.js';
import { assets } from './assets.js';
import { codecServer } from './codec.js';
import { confirmPages } from './confirm-pages.js';
import { limitsOf } from './customer-page.js';
import { overviewPages } from './desk/overview.js';
import { reportPages } from './desk/reports.js';
import { endingOf } from './ending.js';
import { errorList } from './error-list.js';
import { handleErrors } from './errors.js';
import { login } from './login.js';
import { hub } from './hub.js';
import { health } from './health.js';
import { ignoreTypeOfNoBody, mergePatch, parseJson } from './json-body.js';
import { metrics } from './metrics.js';
import { openapi } from './openapi.js';
import { outbox } from './outbox.js';
import { previews } from './previews.js';
import { serviceProblems } from './service-problems.js';
import { surveyDeliveries } from './survey-deliveries.js';
import { surveyPages } from './survey-pages.js';
import { systemEvents } from './systems.js';
import { tmf621 } from './tmf621.js';
import { traces } from './traces.js';

const bodyLimit = 1024 * 1024;
/** 3,500 code points of four bytes, the most that a survey's form has room for, become 42 KB when escaped. */
const formLimit = 48 * 1024;

/**
 * No script is allowed. A page's URL contains the customer's link, so it must not be sent as a referrer; with `no-referrer`, forms would
 * send the origin `null`.
 */
const securityHeaders = {
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
  referrerPolicy: { policy: 'strict-origin' },
} as const;

export async function buildGateway(
  config: GatewayConfig,
  client: CloseoutClient,
  log: Logger,
): Promise<FastifyInstance> {
  const brands = loadBrands(config);
  const { trustedProxies, publicUrl } = config.http;
  const loggerInstance: FastifyBaseLogger = log;
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 16_384 },
    rewriteUrl: ({ url = '/' }) => decodable(url),
    bodyLimit,
    // A request that has not arrived by then is answered with 408, so that slow senders cannot keep connections.
    requestTimeout: 30_000,
    http: { connectionsCheckingInterval: 5_000 },
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
  });
  await app.register(helmet, {
    ...securityHeaders,
    hsts: publicUrl.startsWith('https:') && { includeSubDomains: false },
  });
  app.removeContentTypeParser('text/plain'); // Fastify's own; no route accepts text, so it is answered with 415
  app.addContentTypeParser(['application/json', mergePatch], { parseAs: 'string' }, parseJson(app));
  traces(app);
  app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
  closeConnectionsAtEnd(app);
  app.decorateRequest('subject', undefined);
  app.decorateRequest('hasSession', false);
  app.addHook('onRequest', guard(config, client, brands));
  app.addHook('onRequest', ignoreTypeOfNoBody);
  handleErrors(app, brands.builtIn, publicUrl);
  errorList(app);
  openapi(app, publicUrl);
  tmf621(app, client, publicUrl);
  hub(app, client, { baseUrl: publicUrl, allowLoopback: config.http.trustLoopback });
  surveyDeliveries(app, client);
  const file = loadSystems(config.systemsFile);
  systemEvents(app, client, file.systems);
  alarmWebhooks(app, client, config, file);
  serviceProblems(app, client);
  await app.register(async (pages) => {
    await acceptForms(pages);
    const limits = await limitsOf(pages, config);
    const site = { config, client, brands };
    surveyPages(pages, site, limits);
    confirmPages(pages, site, limits);
    reportPages(pages, config, client);
    login(pages, config, client);
  });
  codecServer(app, config, client);
  assets(app, brands);
  overviewPages(app, config, client);
  metrics(app, config, client);
  health(app, client);
  if (config.mail.outboxDir) {
    outbox(app, config.mail.outboxDir);
    previews(app, config, brands);
  }
  return app;
}

/** Only customers' pages and the operators' accept forms: a browser lets any site send a form to any other. */
async function acceptForms(pages: FastifyInstance): Promise<void> {
  await pages.register(formbody, { bodyLimit: formLimit });
  // One-click unsubscribing may use multipart (RFC 8058 §3.2). The body is ignored, because the link is enough.
  pages.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer', bodyLimit: formLimit },
    (_request, _body, done) => done(null, undefined),
  );
}

/** Takes a path that cannot be decoded literally, so that it passes the same hooks and is answered like any unknown path. */
function decodable(url: string): string {
  const [path = '', ...query] = url.split('?');
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

/** A connection whose last request is answered while the gateway ends would be kept open for the next one, and the gateway with it. */
function closeConnectionsAtEnd(app: FastifyInstance): void {
  const ending = endingOf(app);
  app.addHook('onSend', async (_request, reply) => void (ending.aborted && reply.header('connection', 'close')));
}
