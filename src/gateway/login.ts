/** Operators log in through an OpenID Connect provider: authorization code flow with PKCE. */
import { parse, serialize, type SerializeOptions } from 'cookie';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { isReservedAuthor, type Subject } from '../contract/access.js';
import { CloseoutError } from '../contract/errors.js';
import type { Config } from '../setup/config.js';
import { isLoopback } from '../contract/loopback.js';
import { claimIn, scopesOf, type Oidc } from '../setup/oidc-settings.js';
import { sendDesk } from './desk/page.js';

/** Under https, no other host of the same domain can set it. */
const sessionCookieAt = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-closeout-session' : 'closeout-session';
/** Of a login that has begun, of which a browser may have several, in its tabs. */
const loginCookieAt = (publicUrl: string, state: string): string =>
  `${publicUrl.startsWith('https:') ? '__Host-' : ''}closeout-login-${state.slice(0, 16)}`;
/** Whoever has logged out is asked for the password again, though the provider may remember the login. */
const logoutCookie = 'closeout-logged-out';
const secondsToRemember = 30 * 24 * 60 * 60;
const minutesToLogIn = 15;

const begun = z.object({ verifier: z.string(), state: z.string(), nonce: z.string(), to: z.string() });

const cookieOf = ({ headers }: FastifyRequest, name: string): string | undefined => parse(headers.cookie ?? '')[name];

/** The id of the session that a request belongs to, if it names one. */
export const sessionOf = (request: FastifyRequest, publicUrl: string): string | undefined =>
  cookieOf(request, sessionCookieAt(publicUrl));

export const loginPath = (to: string): string => `/login?to=${encodeURIComponent(to)}`;

/** A browser does not keep a cookie of more than 4 KB, in which each character of the path may take three. */
const maxPathLength = 1000;

/** Only a path of ours: no address that a link from elsewhere may bring along, in whatever way browsers understand it. */
function ownPath(to: unknown, publicUrl: string): string {
  const url = typeof to === 'string' && URL.canParse(to, publicUrl) ? new URL(to, publicUrl) : undefined;
  const isOurs = url?.origin === new URL(publicUrl).origin && !url.pathname.startsWith('//');
  const path = isOurs ? `${url.pathname}${url.search}` : '/';
  return path.length > maxPathLength ? '/' : path;
}

export function login(app: FastifyInstance, { oidc, http: { publicUrl } }: Config, client: CloseoutClient): void {
  if (!oidc) return;
  const provider = discovered(oidc);
  const sessionCookie = sessionCookieAt(publicUrl);
  const options: SerializeOptions = { httpOnly: true, secure: publicUrl.startsWith('https:'), sameSite: 'lax' };

  app.get('/login', async (request, reply) => {
    const { library, configuration } = await provider();
    const verifier = library.randomPKCECodeVerifier();
    const [state, nonce] = [library.randomState(), library.randomNonce()];
    const url = library.buildAuthorizationUrl(configuration, {
      redirect_uri: `${publicUrl}/login/callback`,
      scope: oidc.scope,
      code_challenge: await library.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...(cookieOf(request, logoutCookie) ? { prompt: 'login' } : {}),
    });
    const { to } = request.query as { to?: unknown };
    const value = JSON.stringify({ verifier, state, nonce, to: ownPath(to, publicUrl) });
    const cookie = serialize(loginCookieAt(publicUrl, state), value, {
      ...options,
      path: '/',
      maxAge: minutesToLogIn * 60,
    });
    return reply.header('set-cookie', cookie).redirect(url.href, 303);
  });

  app.get('/login/callback', async (request, reply) => {
    const { verifier, state, nonce, to } = begunBy(request, publicUrl);
    const { library, configuration } = await provider();
    const url = new URL(request.url, publicUrl);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    const tokens = await library.authorizationCodeGrant(configuration, url, checks).catch(failed);
    const own: Record<string, unknown> = { ...tokens.claims() };
    // A provider may keep the roles and the name for this request.
    const hasUserInfo = configuration.serverMetadata().userinfo_endpoint !== undefined;
    const ownRoles = claimIn(own, oidc.roleClaim);
    const isComplete = ownRoles !== undefined && (claimIn(own, oidc.nameClaim) !== undefined || !hasUserInfo);
    const more = isComplete
      ? {}
      : await library.fetchUserInfo(configuration, tokens.access_token, String(own['sub'])).catch(failed);
    const given = ownRoles ?? claimIn(more, oidc.roleClaim);
    const id = await client.sessions.open(subjectFrom({ ...more, ...own }, given, oidc));
    const cookies = [
      serialize(sessionCookie, id, { ...options, path: '/' }),
      serialize(loginCookieAt(publicUrl, state), '', { ...options, path: '/', maxAge: 0 }),
      serialize(logoutCookie, '', { ...options, path: '/login', maxAge: 0 }),
    ];
    return reply.header('set-cookie', cookies).redirect(ownPath(to, publicUrl), 303);
  });

  app.post('/logout', { config: { accepts: 'form' } }, async (request, reply) => {
    const id = sessionOf(request, publicUrl);
    if (id !== undefined) await client.sessions.close(id);
    reply.header('set-cookie', [
      serialize(sessionCookie, '', { ...options, path: '/', maxAge: 0 }),
      serialize(logoutCookie, 'yes', { ...options, path: '/login', maxAge: secondsToRemember }),
    ]);
    const message = 'To log in again, open any page.';
    return sendDesk(reply, './desk/error.html.eta', {
      title: 'Closeout',
      nav: 'other',
      heading: 'You are logged out',
      message,
      loggedInAs: undefined,
    });
  });
}

function begunBy(request: FastifyRequest, publicUrl: string): z.infer<typeof begun> {
  const { state } = request.query as { state?: unknown };
  try {
    return begun.parse(JSON.parse(cookieOf(request, loginCookieAt(publicUrl, String(state))) ?? ''));
  } catch {
    throw new CloseoutError('LoginFailed', `No login was started in the last ${minutesToLogIn} minutes; open /login.`);
  }
}

/** Asks the provider for its addresses with the first login. */
function discovered({ issuer, clientId, clientSecret }: Oidc) {
  const discover = async () => {
    const library = await import('openid-client');
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked as a warning; a provider on this machine has no TLS
    const execute = isLoopback(issuer.href) ? [library.allowInsecureRequests] : [];
    const configuration = await library.discovery(issuer, clientId, clientSecret, undefined, { execute });
    return { library, configuration };
  };
  let known: ReturnType<typeof discover> | undefined;
  return () =>
    (known ??= discover()).catch((error: unknown) => {
      known = undefined;
      throw unavailable(error);
    });
}

const unavailable = (cause: unknown): CloseoutError =>
  new CloseoutError(
    'LoginUnavailable',
    'The identity provider does not answer; try again, and check CLOSEOUT_OIDC_ISSUER and its certificate.',
    undefined,
    { cause },
  );

/** The provider's own words may quote its user. */
function failed(error: unknown): never {
  const { error: code, code: kind, cause } = error as { error?: unknown; code?: unknown; cause?: unknown };
  const isBroken = cause instanceof Response && cause.status >= 500;
  if (error instanceof TypeError || kind === 'OAUTH_TIMEOUT' || isBroken) throw unavailable(error);
  const reason = typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? ` (${code})` : '';
  throw new CloseoutError('LoginFailed', `The login failed${reason}; open /login to try again.`, undefined, {
    cause: error,
  });
}

/** Throws `Forbidden` for a user without a role. */
function subjectFrom(claims: Record<string, unknown>, given: unknown, { nameClaim, roles }: Oidc): Subject {
  const named = claimIn(claims, nameClaim);
  const name = String(typeof named === 'string' && named !== '' ? named : claims['sub']).slice(0, 100);
  if (isReservedAuthor(name))
    throw new CloseoutError('Forbidden', `The name ${name} is reserved by Closeout; log in with another name.`);
  const values = [given].flat();
  const scopes = roles.filter(({ value }) => values.includes(value)).flatMap(({ role }) => scopesOf[role]);
  if (scopes.length === 0)
    throw new CloseoutError('Forbidden', `${name} is logged in, but has no role in Closeout; ask for one.`);
  return { name, scopes: [...new Set(scopes)] };
}
