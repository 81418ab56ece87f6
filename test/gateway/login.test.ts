import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer, { type Browser, type HTTPRequest, type Page } from 'puppeteer-core';
import { freePorts } from '../stack/commands.js';
import { startIssuer, type Issuer } from '../stack/issuer.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/** Operators log in through a real OpenID Connect provider, in a real browser. */
let stack: Stack;
let issuer: Issuer;
let browser: Browser;
let page: Page;
/** Of a second gateway, which has other settings. */
let otherPort: number;

beforeAll(async () => {
  const [port = 0, issuerPort = 0, other = 0] = await freePorts(3);
  otherPort = other;
  issuer = await startIssuer(issuerPort, ...[port, other].map((each) => `http://127.0.0.1:${each}/login/callback`));
  stack = await Stack.start({
    env: {
      CLOSEOUT_PORT: `${port}`,
      CLOSEOUT_TRUST_LOOPBACK: 'no',
      CLOSEOUT_OIDC_ISSUER: issuer.url,
      CLOSEOUT_OIDC_CLIENT_ID: 'closeout',
      CLOSEOUT_OIDC_CLIENT_SECRET: 'a-secret-of-the-client',
    },
  });
  browser = await puppeteer.connect({ browserWSEndpoint: process.env['TEST_BROWSER'] ?? '' });
  page = await browser.newPage();
});
afterAll(async () => {
  await page.close();
  await browser.disconnect();
  await stack.end();
  await issuer.stop();
});

const submit = () =>
  Promise.all([page.waitForNavigation({ waitUntil: 'domcontentloaded' }), page.click('main button, [type=submit]')]);

/** Opens a path as somebody who is not logged in, and logs in. The roles are what follows the name: `eve-operator`. */
async function logIn(user: string, path: string): Promise<void> {
  await browser.deleteCookie(...(await browser.cookies()));
  await page.goto(new URL(path, stack.url('')).href, { waitUntil: 'domcontentloaded' });
  expect(page.url()).toContain(issuer.url);
  await page.type('[name=login]', user);
  await page.type('[name=password]', 'any');
  await submit();
  await submit(); // consent
}

const shown = () => page.$eval('body', (body) => body.innerText);
const ownCookies = async () => (await browser.cookies()).filter(({ name }) => name.startsWith('closeout'));
const asBrowser = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(stack.url(path), { redirect: 'manual', headers: { accept: 'text/html', ...headers }, ...init });

test('an operator logs in, comes to the page that was asked for, and acts by the own name', async () => {
  await stack.open('LOGIN-1');
  await logIn('eve-operator', '/reports/LOGIN-1');
  expect(page.url()).toBe(stack.url('/reports/LOGIN-1'));
  expect(await shown()).toContain('eve');
  await Promise.all([page.waitForNavigation(), page.click('button[value=hold]')]);
  const { hold } = await stack.untilStatus('LOGIN-1', 'held', ({ hold: held }) => held !== undefined);
  expect(hold?.by).toBe('eve');
  expect(JSON.stringify(await stack.client.timeline('LOGIN-1'))).toContain('"by":"eve"');
});

test('a user has the name of the claim that is set, and not one that users may choose', async () => {
  await stack.open('NAMED-1');
  const publicUrl = `http://127.0.0.1:${otherPort}`;
  const own = { CLOSEOUT_PORT: `${otherPort}`, CLOSEOUT_PUBLIC_URL: publicUrl, CLOSEOUT_OIDC_NAME_CLAIM: 'sub' };
  const { end } = await stack.secondGateway(own);
  await logIn('eve-operator', `${publicUrl}/reports/NAMED-1`);
  await Promise.all([page.waitForNavigation(), page.click('button[value=hold]')]);
  const { hold } = await stack.untilStatus('NAMED-1', 'held', ({ hold: held }) => held !== undefined);
  expect(hold?.by).toBe('eve-operator');
  await end();
});

test('a session is a cookie that no script reads, stored as a hash, and ends with the log-out', async () => {
  await logIn('olga-operator', '/');
  const [cookie, ...others] = await ownCookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ name: 'closeout-session', httpOnly: true, sameSite: 'Lax' });
  expect(await stack.dump()).not.toContain(cookie?.value);
  await Promise.all([page.waitForNavigation(), page.click('.login button')]);
  expect(await shown()).toContain('You are logged out');
  const headers = { cookie: `closeout-session=${cookie?.value}` };
  expect((await asBrowser('/reports', headers)).headers.get('location')).toBe('/login?to=%2Freports');
});

test('a viewer sees everything and changes nothing', async () => {
  await stack.open('VIEWED-1');
  await logIn('vic-viewer', '/reports/VIEWED-1');
  expect(await shown()).toContain('VIEWED-1');
  expect(await page.$$('form.act')).toEqual([]);
  const [cookie] = await ownCookies();
  const headers = { cookie: `closeout-session=${cookie?.value}` };
  const refused = await asBrowser('/reports/VIEWED-1', headers, {
    method: 'POST',
    body: new URLSearchParams({ action: 'clear' }),
  });
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain('vic lacks the scope operate');
});

test('a user without a role is refused, and gets no session', async () => {
  await logIn('zoe', '/reports');
  expect(await shown()).toContain('zoe is logged in, but has no role in Closeout');
  expect((await ownCookies()).filter(({ name }) => !name.startsWith('closeout-login-'))).toEqual([]);
});

test.each([
  '//elsewhere.example/',
  '/\\elsewhere.example',
  'https://elsewhere.example/',
  '/\t/elsewhere.example/',
  '/.//elsewhere.example/',
  'OURS//elsewhere.example/',
])('a log-in does not lead to %s', async (to) => {
  await logIn('eve-operator', `/login?to=${encodeURIComponent(to.replace('OURS', stack.url('')))}`);
  expect(page.url()).toBe(stack.url('/'));
});

test('programs are asked for a token, and tokens work as before', async () => {
  const answer = await fetch(stack.url('/tmf-api/troubleTicket/v4/troubleTicket'));
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
    401,
    'Basic realm="Closeout", charset="UTF-8"',
  ]);
  const { stdout } = await stack.closeout('tokens', 'create', 'dashboard', '--scope', 'read');
  const headers = { authorization: `Bearer ${stdout.trim()}` };
  expect((await asBrowser('/reports', headers)).status).toBe(200);
});

test('a token that is not known hides no log-in, and leads to one', async () => {
  await logIn('eve-operator', '/');
  const [session] = await ownCookies();
  const authorization = `Basic ${Buffer.from('any:a-token-from-last-year').toString('base64')}`;
  const cookie = `closeout-session=${session?.value}`;
  expect((await asBrowser('/reports', { authorization, cookie })).status).toBe(200);
  const without = await asBrowser('/reports', { authorization });
  expect([without.status, without.headers.get('location')]).toEqual([303, '/login?to=%2Freports']);
});

test('a log-in that began at a very long address ends at the overview', async () => {
  await logIn('eve-operator', `/reports?q=${'%E6%8E%A5'.repeat(255)}`);
  expect(page.url()).toBe(stack.url('/'));
});

/** What the provider answers, before the browser brings it, and the cookie of the browser. */
async function heldAnswer(): Promise<{ path: string; begun: object }> {
  let path = '';
  const hold = (request: HTTPRequest) => {
    const isAnswer = request.url().startsWith(stack.url('/login/callback'));
    if (isAnswer) path = request.url().slice(stack.url('').length);
    void (isAnswer ? request.abort() : request.continue());
  };
  await page.setRequestInterception(true);
  page.on('request', hold);
  await logIn('eve-operator', '/reports').catch(() => undefined); // its last step is held
  await until('the answer', () => path !== '');
  page.off('request', hold);
  await page.setRequestInterception(false);
  const cookie = (await browser.cookies()).find(({ name }) => name === loginCookieOf(path));
  return { path, begun: JSON.parse(decodeURIComponent(cookie?.value ?? '')) as object };
}

/** The name of the cookie of one log-in: a browser may have begun several. */
const loginCookieOf = (path: string) =>
  `closeout-login-${new URL(path, 'http://any').searchParams.get('state')?.slice(0, 16)}`;

const bring = async ({ path, begun }: { path: string; begun: object }) => {
  const cookie = `${loginCookieOf(path)}=${encodeURIComponent(JSON.stringify(begun))}`;
  return (await asBrowser(path, { cookie })).status;
};

test('a log-in that begins in one tab does not replace that of another', async () => {
  const begin = async () => (await asBrowser('/login')).headers.get('set-cookie')?.split('=')[0];
  const names = [await begin(), await begin()];
  expect(names).toEqual([expect.stringMatching(/^closeout-login-/), expect.stringMatching(/^closeout-login-/)]);
  expect(names[0]).not.toBe(names[1]);
});

test('a callback that nobody asked for is refused', async () => {
  const uninvited = await asBrowser('/login/callback?code=x&state=y');
  expect([uninvited.status, await uninvited.text()]).toEqual([401, expect.stringContaining('No login was started')]);
});

test.each([
  ['the browser that asked', {}, 303],
  ['one with another state', { state: 'another' }, 401],
  ['one with another verifier', { verifier: 'another'.repeat(7) }, 401],
  ['one with another nonce', { nonce: 'another' }, 401],
])('a valid answer of the provider, brought by %s', async (_, own, status) => {
  const { path, begun } = await heldAnswer();
  expect(await bring({ path, begun: { ...begun, ...own } })).toBe(status);
});

test("after a logout the password is required again; an operator can end a user's sessions", async () => {
  await logIn('olga-operator', '/');
  await Promise.all([page.waitForNavigation(), page.click('.login button')]);
  await page.goto(stack.url('/reports'), { waitUntil: 'domcontentloaded' });
  expect(await page.$('[name=password]')).not.toBeNull();
  await logIn('olga-operator', '/reports');
  const [cookie] = await ownCookies();
  const headers = { cookie: `closeout-session=${cookie?.value}` };
  expect((await asBrowser('/reports', headers)).status).toBe(200);
  const { stdout } = await stack.closeout('tokens', 'end-sessions', 'olga');
  expect(stdout).toBe('olga: 1 session ended.\n');
  expect((await asBrowser('/reports', headers)).headers.get('location')).toBe('/login?to=%2Freports');
});

test('a log-out counts although the session has ended, and the list of errors leads to a log-in', async () => {
  const out = await asBrowser('/logout', { cookie: 'closeout-session=ended' }, { method: 'POST', body: noForm });
  expect([out.status, out.headers.get('set-cookie')]).toEqual([
    200,
    expect.stringContaining('closeout-logged-out=yes'),
  ]);
  const foreign = { 'sec-fetch-site': 'cross-site' };
  expect((await asBrowser('/logout', foreign, { method: 'POST', body: noForm })).status).toBe(403);
  expect((await asBrowser('/errors')).headers.get('location')).toBe('/login?to=%2Ferrors');
});

const noForm = new URLSearchParams();

test('refusals are in the log, without what was sent', async () => {
  await asBrowser('/login/callback?code=secret-code&state=y');
  await asBrowser('/service-problems/SP-1', { authorization: 'Bearer secret-token', accept: 'application/json' });
  const log = () => readFileSync(join(stack.dataDir, 'logs', 'gateway.log'), 'utf8');
  const entry = (refused: string, route: string) =>
    new RegExp(`"refused":"${refused}","method":"GET","route":"${route}","from":"127.0.0.1"`);
  await asBrowser('/reports', { authorization: 'Bearer secret-token' }); // leads to the log-in
  await until('the refused tokens', () => {
    const routes = ['/service-problems/:id', '/reports'];
    return routes.every((route) => entry('Unauthorized', route).test(log()));
  });
  expect(log()).toMatch(entry('LoginFailed', '/login/callback'));
  expect(log()).not.toContain('secret-');
});

test('a provider that is gone is not the fault of the user', async () => {
  const answer = await heldAnswer();
  await issuer.stop();
  expect(await bring(answer)).toBe(503);
});
