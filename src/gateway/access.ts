/**
 * Which requests are accepted. Everything except customers' pages and liveness requires a token with the scope of its route, unless
 * `npm start` runs the gateway for this machine only. State-changing requests from pages of other sites are refused.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CloseoutClient } from '../client.js';
import { tokenPrefix, type Scope, type Subject } from '../contract/access.js';
import type { Brands } from '../customer/brand.js';
import type { GatewayConfig } from '../setup/config.js';
import { CloseoutError } from '../contract/errors.js';
import { isLoopbackHost } from '../contract/loopback.js';
import { credentialsOf } from './credentials.js';
import { isForOperators } from './desk/page.js';
import { logRefusal } from './errors.js';
import { loginPath, sessionOf } from './login.js';
import { isSameToken } from './same-token.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body that a state-changing request must have: JSON by default. `oneClick` accepts anything, from any site (RFC 8058). */
    accepts?: 'form' | 'oneClick';
    /** Pages of the Temporal UI may send it, too. */
    fromTemporalUi?: boolean;
    /** What the token must allow; `read` for GET, else `write`. */
    scope?: Scope;
  }
  interface FastifyRequest {
    /** Whose named token or login the request carries; undefined for CLOSEOUT_API_TOKEN, and where none is needed. */
    subject?: Subject;
    /** The subject has logged in. */
    hasSession: boolean;
  }
}

/** Alarm systems have tokens of their own. A log-out counts even if the session has ended: the provider's has not. */
const isOpenToAll = (path: string) =>
  /^\/(s|u|c|assets|alarms|login)\//.test(path) || ['/login', '/logout', '/healthz', '/readyz'].includes(path);

export function guard(config: GatewayConfig, client: CloseoutClient, brands: Brands) {
  const { http, temporal, oidc } = config;
  const publicUrl = new URL(http.publicUrl);
  const origins = new Set(brands.all.map(({ sender }) => new URL(sender.publicUrl).origin));
  const uiOrigin = temporal.uiUrl === undefined ? undefined : new URL(temporal.uiUrl).origin;
  const onlyLocal = http.trustLoopback && isLoopbackHost(http.host) && isLoopbackHost(publicUrl.hostname);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { fromTemporalUi = false } = request.is404 ? {} : request.routeOptions.config;
    const isFromUi = fromTemporalUi && uiOrigin !== undefined && request.headers.origin === uiOrigin;
    if (!isFromUi) assertOwnSite(request, publicUrl.protocol, origins);
    // A browser that asks whether it may send a request sends no login yet.
    if (isFromUi && request.method === 'OPTIONS') return undefined;
    if (!isOpenToAll(request.url.split('?')[0] ?? '')) {
      const needsNone = onlyLocal && isFromThisMachine(request) && !hasToken(request);
      if (!(await identify(request, config, client)) && !needsNone)
        return askToLogIn(request, reply, oidc !== undefined);
      assertScope(request);
    }
    assertMediaType(request);
    return undefined;
  };
}

function askToLogIn(request: FastifyRequest, reply: FastifyReply, hasProvider: boolean): FastifyReply {
  if (hasProvider && isForOperators(request)) {
    if (request.headers.authorization !== undefined) logRefusal(request, 'Unauthorized');
    if (request.method === 'GET') return reply.redirect(loginPath(request.url), 303);
    throw new CloseoutError('Unauthorized', loggedOut);
  }
  // A browser asks for a login: any name, and the token as the password.
  reply.header('www-authenticate', 'Basic realm="Closeout", charset="UTF-8"');
  throw unauthorized();
}

/** Identifies the sender of a request by its token, or by its session if the token is unknown. Returns false if it has neither. */
async function identify(
  request: FastifyRequest,
  { apiToken, oidc, http }: GatewayConfig,
  client: CloseoutClient,
): Promise<boolean> {
  const token = credentialsOf(request)?.token;
  if (token !== undefined) {
    if (isSameToken(token, apiToken)) return true;
    request.subject = await client.tokens.subjectOf(token);
    if (request.subject !== undefined) return true;
  }
  const session = oidc && sessionOf(request, http.publicUrl);
  if (session === undefined) return false;
  request.subject = await client.sessions.subjectOf(session);
  request.hasSession = request.subject !== undefined;
  return request.hasSession;
}

/** A wrong token is refused, even where none is needed. A browser may send any password with the operator's name. */
function hasToken(request: FastifyRequest): boolean {
  const credentials = credentialsOf(request);
  return credentials !== undefined && (credentials.name === undefined || credentials.token.startsWith(tokenPrefix));
}

/** The browser keeps what was typed, because it can send the request again. */
const loggedOut =
  'Your session has ended, so nothing was done. Log in to the desk in another tab, then reload this page: the browser sends what you typed again.';

const unauthorized = () =>
  new CloseoutError(
    'Unauthorized',
    'Send "Authorization: Bearer TOKEN", where TOKEN is CLOSEOUT_API_TOKEN, which `npm start` prints, or comes from `closeout tokens create`.',
  );

/** What does not exist needs no scope: it is answered with 404 or 405. */
function assertScope({ subject, is404, method, routeOptions }: FastifyRequest): void {
  if (!subject || is404) return;
  const usual = method === 'GET' || method === 'HEAD' ? 'read' : 'write';
  const scope = routeOptions.config.scope ?? usual;
  if (!subject.scopes.includes(scope))
    throw new CloseoutError('Forbidden', `${subject.name} lacks the scope ${scope}.`);
}

/** A foreign host name means DNS rebinding, and a proxy may forward anybody's requests. */
function isFromThisMachine({ hostname, headers }: FastifyRequest): boolean {
  const isProxied = Object.keys(headers).some((name) => /^(forwarded|via|x-forwarded-.*)$/.test(name));
  return isLoopbackHost(hostname) && !isProxied;
}

/** The body that a state-changing request must have; undefined if it changes nothing, or may come from anywhere. */
function acceptedType({ method, is404, routeOptions }: FastifyRequest): 'json' | 'form' | undefined {
  if (method === 'GET' || method === 'HEAD' || is404) return undefined;
  const { accepts = 'json' } = routeOptions.config;
  return accepts === 'oneClick' ? undefined : accepts;
}

/** Refuses requests from pages of other sites, because the browser adds the login that it keeps for ours. */
function assertOwnSite(request: FastifyRequest, protocol: string, origins: ReadonlySet<string>): void {
  const { origin, host, 'sec-fetch-site': site = 'none' } = request.headers;
  const isOwn = origin === undefined || origins.has(origin) || origin === `${protocol}//${host}`;
  if (!acceptedType(request) || (isOwn && (site === 'none' || site === 'same-origin'))) return;
  throw new CloseoutError(
    'Forbidden',
    'This request came from a page of another site; only pages of this site may send it.',
  );
}

/** For browsers that do not name the sending site: they send forms to any site, but JSON only after a preflight request. */
function assertMediaType(request: FastifyRequest): void {
  const accepted = acceptedType(request);
  if (!accepted || request.method === 'DELETE') return; // No form can send a DELETE.
  const { pattern, name } = mediaTypes[accepted];
  if (pattern.test(request.headers['content-type'] ?? '')) return;
  throw new CloseoutError('NotJson', `Content-Type must be ${name}.`, 'Content-Type');
}

const mediaTypes = {
  json: {
    pattern: /^application\/(merge-patch\+)?json *(;(?!.*charset=(?!"?(utf-?8|us-ascii)\b)).*)?$/i,
    name: 'application/json, or application/merge-patch+json for a PATCH, in UTF-8',
  },
  form: { pattern: /^application\/x-www-form-urlencoded *(;|$)/i, name: 'application/x-www-form-urlencoded' },
};
