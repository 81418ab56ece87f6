/** Ten thousand requests that nobody thought of: each is answered, none with a fault of ours, and nothing else suffers. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { linkIn } from '../stack/mail.js';
import { random } from '../stack/random.js';
import { Stack } from '../stack/stack.js';

const count = 10_000;
const next = random(2026);
const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
const maybe = <T>(chance: number, value: () => T): T | undefined => (next() < chance ? value() : undefined);

let stack: Stack;
let links: string[];
beforeAll(async () => {
  stack = await Stack.start();
  const mail = await stack.ask('FUZZ-1', { serviceProblemId: 'SP-FUZZ', customerId: 'C-FUZZ' });
  const survey = new URL(linkIn(mail)).pathname;
  links = [survey, survey.replace('/s/', '/c/'), survey.replace('/s/', '/u/'), `${survey}/thanks`];
});
afterAll(() => stack.end());

const words = [
  ...[
    '',
    '0',
    '-1',
    '1e309',
    'NaN',
    'true',
    'null',
    'FUZZ-1',
    'closed',
    'inProgress',
    'resolved',
    'Ünïcödé',
    '日本語',
    'العربية',
  ],
  ...[
    '../../etc/passwd',
    '%',
    '%00',
    '%ff',
    '%2e%2e%2f',
    "' or 1=1 --",
    '${7*7}',
    '{{7*7}}',
    '<script>',
    '__proto__',
    'constructor',
  ],
  ...[
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '0000-01-01',
    '+275760-09-13T00:00:00.000Z',
    '5',
    '*',
    '$',
    'a'.repeat(5000),
  ],
  ...['\u202e', '\ufeff', '\u0000', '\ud800', '\r\nX-Injected: 1', '🙂'.repeat(50), '{"a":', '[]', '\\', '"', "'"],
] as const;

const attributes = [
  ...[
    'id',
    'status',
    'description',
    'severity',
    'ticketType',
    'name',
    'priority',
    'externalId',
    'relatedEntity',
    'note',
  ],
  ...[
    'relatedParty',
    'relatedContactInformation',
    'attachment',
    'channel',
    'creationDate',
    'resolutionDate',
    'statusChangeReason',
  ],
  ...[
    '@type',
    '@schemaLocation',
    'href',
    'custom',
    'expectedResolutionDate',
    'statusChange',
    'troubleTicketRelationship',
  ],
] as const;

function value(depth = 0): unknown {
  const kind = next();
  if (kind < 0.45) return pick(words);
  if (kind < 0.6) return pick([0, -1, 1.5, 1e308, 2 ** 53, true, false, null]);
  if (depth > 4) return {};
  if (kind < 0.75) return Array.from({ length: Math.floor(next() * 4) }, () => value(depth + 1));
  if (kind < 0.85)
    return [
      {
        role: pick(['customer', 'reporterContact', 'serviceProblem', 'x']),
        id: value(5),
        emailAddress: value(5),
        name: value(5),
      },
    ];
  return Object.fromEntries(
    Array.from({ length: Math.floor(next() * 4) }, () => [pick([...attributes, ...words]), value(depth + 1)]),
  );
}

function body(): string {
  const good = next() < 0.5 ? { description: 'No dial tone', severity: 'minor', ticketType: 'fault' } : {};
  const fields = Array.from({ length: Math.floor(next() * 5) }, () => [pick(attributes), value()]);
  const text = JSON.stringify({ ...good, ...Object.fromEntries(fields) });
  if (next() < 0.1) return text.slice(0, Math.floor(next() * text.length));
  return next() < 0.05 ? pick(words) : text;
}

const form = () => {
  const names = ['score', 'solved', 'ask-reasons', 'comment', 'fixed', 'reason', 'List-Unsubscribe', 'lang', 'undo'];
  const pairs = Array.from({ length: Math.floor(next() * 5) }, () => `${pick(names)}=${escaped(pick(words))}`);
  return pairs.join('&');
};

/** As a hostile program writes it: often not as it must be. */
const escaped = (text: string): string =>
  next() < 0.7 ? encodeURIComponent(Buffer.from(text).toString()) : latin(text);
const latin = (text: string): string => text.replace(/[^\x21-\x7e]/g, '%ff').replace(/[\s#]/g, '+');

const tickets = '/tmf-api/troubleTicket/v4/troubleTicket';
function path(): string {
  const [base, query] = pick<() => [string, string?]>([
    () => [tickets, `${pick([...attributes, 'fields', 'limit', 'offset', 'sort'])}=${escaped(pick(words))}`],
    () => [`${tickets}/${pick(['FUZZ-1', escaped(pick(words))])}`, `fields=${escaped(pick(attributes))}`],
    () => [pick(links), `${pick(['score', 'lang', 'fixed', 'x'])}=${escaped(pick(words))}`],
    () => [pick(links).slice(0, -1 - Math.floor(next() * 5))],
    () => [`/service-problems/${escaped(pick(words))}${pick(['', '/clear'])}`],
    () => [
      pick([
        '/',
        '/reports',
        '/reports/FUZZ-1',
        '/outbox',
        '/outbox/preview',
        '/metrics',
        '/openapi.json',
        '/satisfaction.csv',
      ]),
    ],
    () => [`/${escaped(pick(words))}`, latin(pick(words))],
    () => [`${pick(['/assets', '/plots', '/outbox', '/reports', '/s', '/c', '/u'])}/${escaped(pick(words))}`],
  ])();
  return query !== undefined && next() < 0.6 ? `${base}?${query}` : base;
}

const mediaTypes = [
  ...[
    'application/json',
    'application/merge-patch+json',
    'application/x-www-form-urlencoded',
    'text/plain',
    'text/html',
  ],
  ...['multipart/form-data', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', 'nonsense', '*/*'],
] as const;

const headerNames = [
  ...['origin', 'accept-language', 'accept', 'authorization', 'if-match', 'cookie', 'x-forwarded-for', 'range'],
  ...['content-encoding', 'x-unknown'],
] as const;

interface Hostile {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

function hostile(): Hostile {
  const method = pick(['GET', 'GET', 'HEAD', 'POST', 'POST', 'PATCH', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']);
  const isForm = next() < 0.4;
  const extra = maybe(0.3, () => ({ [pick(headerNames)]: latin(pick(words)) }));
  const type = isForm ? mediaTypes[2] : next() < 0.8 ? pick([mediaTypes[0], mediaTypes[1]]) : pick(mediaTypes);
  const headers: Record<string, string> = { 'content-type': type, ...extra };
  return {
    method,
    path: path(),
    headers,
    body: ['GET', 'HEAD'].includes(method) ? undefined : isForm ? form() : body(),
  };
}

/** Status of the answer; 0 if there was none. */
function send({ method, path, headers, body }: Hostile): Promise<number> {
  const { port } = new URL(stack.url('/'));
  return new Promise((resolve) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 30_000 },
      (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(0));
    sent.end(body);
  });
}

test(`${count} random requests: no fault of ours, no hang, and every other report goes on`, async () => {
  const before = stack.pids();
  const seen: Record<number, number> = {};
  const bad: unknown[] = [];
  let left = count;
  const sender = async () => {
    while (left-- > 0) {
      const request = hostile();
      const status = await send(request);
      seen[status] = (seen[status] ?? 0) + 1;
      if (status === 0 || (status >= 500 && status !== 503)) bad.push({ status, ...request });
    }
  };
  await Promise.all(Array.from({ length: 10 }, sender));
  expect(bad.slice(0, 5)).toEqual([]);
  expect(seen[503] ?? 0).toBeLessThan(count / 100); // the machine may pause PostgreSQL
  // The generator reaches further than the first check of each entrance.
  expect(Object.keys(seen)).toEqual(expect.arrayContaining(['200', '201', '303', '400', '404', '415']));
  expect(stack.pids()).toEqual(before);
  await stack.ask('AFTER-1');
}, 600_000);

/** What is not even HTTP. */
test.each([
  ['nothing that a browser sends', '\u0016\u0003\u0001\u0002\u0000\u0001'],
  ['an unknown method', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a header without an end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}`],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
])('%s is answered with 4xx, and the connection ends', async (_, text) => {
  const { port } = new URL(stack.url('/'));
  const answer = await new Promise<string>((resolve) => {
    let got = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (data: Buffer) => (got += data.toString()));
    socket.once('close', () => resolve(got));
    socket.once('error', () => resolve(got)); // the gateway does not read to the end
    socket.setTimeout(30_000, () => resolve(`hangs: ${got}`));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
});
