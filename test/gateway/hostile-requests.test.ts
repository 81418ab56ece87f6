import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const tickets = '/tmf-api/troubleTicket/v4/troubleTicket';
const ticket = { description: 'No dial tone', severity: 'minor', ticketType: 'fault' };

let stack: Stack;
let link: string;
beforeAll(async () => {
  stack = await Stack.start();
  link = linkIn(await stack.ask('LINK-1')).replace(/\?.*/, '');
});
afterAll(() => stack.end());

const send = (path: string, request: RequestInit = {}) => fetch(stack.url(path), { redirect: 'manual', ...request });
const json = (method: string, body: string): RequestInit => ({
  method,
  body,
  headers: { 'content-type': 'application/json' },
});
const reports = async () => (await stack.client.list({ limit: 1 })).total;

describe('a path or a language that makes no sense', () => {
  test.each([
    '/s/%ff',
    '/s/%ff/thanks',
    '/s/%E2%82%AC/reopen',
    '/s/a%0Ab/reopen',
    '/c/%E0%A4',
    '/u/%',
    '/u/%c0%af',
    '/s/%ff?lang=constructor',
    '/%ff',
    '/assets/%ff',
    `${tickets}/%ff`,
    '/service-problems/%ff',
    '/outbox/%ff',
    '/outbox/preview/page/%/en',
  ])('%s is answered with 404, and the gateway lives', async (path) => {
    const { gateway } = stack.pids();
    for (const method of ['GET', 'POST']) {
      const answer = await send(path, { method });
      expect(method === 'GET' ? [404] : [404, 405, 415]).toContain(answer.status);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect((await answer.text()).length).toBeGreaterThan(20);
    }
    expect((await send('/healthz')).status).toBe(200);
    expect(stack.pids()['gateway']).toBe(gateway);
  });

  test.each(['constructor', '__proto__', 'toString', 'xx', '%00', ''])(
    '%s for a language means English',
    async (tag) => {
      const pages = [`${link}?lang=${tag}`, `${link}x?lang=${tag}`, link, `${link}x`];
      for (const page of pages) {
        const answer = await fetch(page, { headers: { 'accept-language': decodeURIComponent(tag).replace('\0', '') } });
        expect(answer.status).toBe(page.includes(`${link}x`) ? 404 : 200);
        expect(await answer.text()).toContain('<html lang="en"');
      }
    },
  );

  test('a contact in no language or zone that exists is refused, by every way in', async () => {
    for (const contact of [{ preferredLanguage: 'constructor' }, { timeZone: 'Mars/Base' }]) {
      const [field = ''] = Object.keys(contact);
      const related = [{ role: 'reporterContact', ...contact }];
      const answer = await send(
        tickets,
        json('POST', JSON.stringify({ ...ticket, relatedContactInformation: related })),
      );
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(field)]);
      await expect(stack.client.open({ ...ticket, contact })).rejects.toMatchObject({ code: 'BadInput', field });
    }
    const byCommand = await stack.closeout('open', '--description', 'x', '--email', 'a@b.example', '--language', '-');
    expect(byCommand).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('preferredLanguage must be') as string,
    });
    const yesterday = await stack.closeout('open', '--description', 'x', '--at', 'yesterday');
    expect(yesterday).toMatchObject({ code: 2, stderr: expect.stringContaining('--at must be a time') as string });
  });
});

test.each(['constructor', 'toString', 'hasOwnProperty', '__proto__.x'])(
  'no ticket has the attribute %s',
  async (name) => {
    expect(await (await send(`${tickets}?${name}=1`)).json()).toEqual([]);
  },
);

test('a method that no path has is refused with those that it has, whatever the body', async () => {
  const answer = await send('/healthz', { method: 'QUERY' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test.each([
  'sort=id&sort=name',
  'fields=id&fields=id',
  'limit=1&limit=2',
  'limit=',
  'limit=1e2',
  'limit=-1',
  'offset=',
  'offset=0x10',
  'severity=%00',
])('the list refuses ?%s in words', async (query) => {
  const answer = await send(`${tickets}?${query}`);
  expect(answer.status).toBe(400);
  const { message } = (await answer.json()) as { message: string };
  expect(message).toMatch(/^(The character NUL|\w+ must be (given once|a whole number))/);
});

describe('a body that cannot be stored or given back', () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
  const withCustom = (value: string) => `${JSON.stringify(ticket).slice(0, -1)},"custom":${value}}`;
  const secret = 'Ann-Example-street-7';

  test.each([
    ['nested one level too deep', nested(64)],
    ['nested 4,110 levels deep', nested(4110)],
    ['nested 100,000 levels deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['with NUL in a text', `{"x":["${secret}\\u0000"]}`],
    ['with half a surrogate pair in a text', `"${secret}\\ud800"`],
    ['with half a surrogate pair in a name', `{"${secret}\\udc00":1}`],
  ])('%s is refused and names its attribute; nothing is stored or logged', async (_, value) => {
    const before = await reports();
    const requests = [
      [tickets, 'POST'],
      [`${tickets}/LINK-1`, 'PATCH'],
    ] as const;
    for (const [path, method] of requests) {
      const answer = await send(path, json(method, withCustom(value)));
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: 'BadInput', field: 'custom' });
    }
    expect(await reports()).toBe(before);
    expect((await send(tickets)).status).toBe(200);
    expect(await readFile(join(stack.dataDir, 'logs', 'postgres.log'), 'utf8')).not.toContain(secret);
  });

  test('64 levels are stored and given back', async () => {
    const answer = await send(tickets, json('POST', withCustom(nested(63))));
    expect(answer.status).toBe(201);
    const { id } = (await answer.json()) as { id: string };
    const again = (await (await send(`${tickets}/${id}`)).json()) as { custom: unknown };
    expect(JSON.stringify(again.custom)).toBe(nested(63));
  });

  test('a request to clear a service problem with malformed text is refused', async () => {
    const answer = await send('/service-problems/SP-1/clear', json('POST', `{"by":"x\\u0000"}`));
    expect(await answer.json()).toMatchObject({ code: 'BadInput', field: 'by' });
  });
});

describe('a request that a page of another site sent', () => {
  const evil = { origin: 'https://evil.example' };
  const form = new URLSearchParams(ticket);
  const parts = new FormData();
  for (const [name, value] of Object.entries(ticket)) parts.append(name, value);
  const clear = '/service-problems/SP-CROSS/clear';
  beforeAll(() => stack.open('CROSS-1', { serviceProblemId: 'SP-CROSS' }));

  const untouched = async (before: number) => {
    expect(await reports()).toBe(before);
    expect((await stack.client.get('CROSS-1')).status).toBe('acknowledged');
    await expect(stack.client.serviceProblems.progress('SP-CROSS')).rejects.toMatchObject({ code: 'NotFound' });
  };

  test.each<[string, RequestInit]>([
    ['a form', { body: form }],
    ['a form with files', { body: parts }],
    ['text', { body: '{}', headers: { 'content-type': 'text/plain' } }],
    ['nothing', {}],
    ['nothing, from a foreign origin', { headers: evil }],
    ['nothing, from another port of this machine', { headers: { origin: 'http://127.0.0.1:1' } }],
    ['nothing, from a sandbox', { headers: { origin: 'null' } }],
    [
      'JSON, from a foreign origin',
      { ...json('POST', '{}'), headers: { ...evil, 'content-type': 'application/json' } },
    ],
    [
      'JSON, from another site',
      { headers: { 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' }, body: '{}' },
    ],
    [
      'JSON, from a neighbour',
      { headers: { 'sec-fetch-site': 'same-site', 'content-type': 'application/json' }, body: '{}' },
    ],
  ])('with %s opens no ticket and clears nothing', async (_, request) => {
    const before = await reports();
    for (const path of [clear, tickets]) {
      const answer = await send(path, { method: 'POST', ...request });
      expect([403, 415]).toContain(answer.status);
    }
    await untouched(before);
  });

  test('is refused from a real browser as well', async () => {
    const before = await reports();
    const browser: Browser = await puppeteer.connect({ browserWSEndpoint: process.env['TEST_BROWSER'] ?? '' });
    const site = await startSite(`
      <form id="clear" method="post" action="${stack.url(clear)}"><button>clear</button></form>
      <form id="open" method="post" action="${stack.url(tickets)}">
        ${Object.entries(ticket)
          .map(([name, value]) => `<input name="${name}" value="${value}">`)
          .join('')}<button>open</button>
      </form>`);
    const page = await browser.newPage();
    try {
      for (const name of ['clear', 'open']) {
        await page.goto(site.address);
        const [answer] = await Promise.all([page.waitForNavigation(), page.click(`#${name} button`)]);
        expect(answer?.status()).toBe(403);
      }
      await page.goto(site.address);
      const sent = `fetch('${stack.url(clear)}', { method: 'POST', mode: 'no-cors', credentials: 'include' })`;
      await page.evaluate(`${sent}.catch(() => undefined).then(() => undefined)`);
    } finally {
      await page.close();
      await browser.disconnect();
      await site.close();
    }
    await untouched(before);
  });

  test('is accepted where a mail program unsubscribes its reader (RFC 8058), and from our own page', async () => {
    const [mail] = await stack.mails('LINK-1');
    const optOut = /<(http[^>]+)>/.exec(mail?.raw.split('List-Unsubscribe:')[1] ?? '')?.[1] ?? '';
    const oneClick = { 'List-Unsubscribe': 'One-Click' };
    const answer = await fetch(optOut, { method: 'POST', body: new URLSearchParams(oneClick), headers: evil });
    expect(answer.status).toBe(200);
    const own = { origin: stack.url(''), 'sec-fetch-site': 'same-origin' };
    const said = await fetch(link, {
      method: 'POST',
      body: 'score=5',
      headers: { ...own, ...formType },
      redirect: 'manual',
    });
    expect(said.status).toBe(303);
    const patched = await send(`${tickets}/CROSS-1`, {
      ...json('PATCH', '{"name":"ours"}'),
      headers: { ...own, 'content-type': 'application/merge-patch+json; charset=utf-8' },
    });
    expect(patched.status).toBe(200);
  });
});

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

async function startSite(body: string) {
  const server: Server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end(`<!doctype html>${body}`),
  ).listen(0, '127.0.0.1');
  await until('the other site', () => server.listening);
  return {
    address: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((closed) => server.close(closed)),
  };
}

describe('without a token', () => {
  test.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'via'])(
    'a request that a proxy passed on (%s) may not see reports',
    async (header) => {
      const value = header === 'x-forwarded-host' ? 'localhost' : '127.0.0.1';
      expect((await send(tickets, { headers: { [header]: value } })).status).toBe(401);
      expect((await send('/', { headers: { [header]: value } })).status).toBe(401);
    },
  );

  test('a gateway that was not started by npm start asks this machine for it, too', async () => {
    const { end, moved } = await stack.secondGateway({});
    const statuses = [tickets, '/', '/metrics', '/healthz'].map(
      async (path) => (await fetch(moved(stack.url(path)))).status,
    );
    expect(await Promise.all(statuses)).toEqual([401, 401, 401, 200]);
    await end();
  });
});
