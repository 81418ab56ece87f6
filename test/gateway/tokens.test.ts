/** Named tokens: what each may do, and whose name the history shows. */
import { Stack } from '../stack/stack.js';

let stack: Stack;
let gateway: Awaited<ReturnType<Stack['secondGateway']>>;
beforeAll(async () => {
  stack = await Stack.start();
  gateway = await stack.secondGateway({ CLOSEOUT_TRUST_LOOPBACK: 'no' });
});
afterAll(async () => {
  await gateway.end();
  await stack.end();
});

const tickets = '/tmf-api/troubleTicket/v4/troubleTicket';

async function create(name: string, scope: string): Promise<string> {
  return (await stack.closeout('tokens', 'create', name, '--scope', scope)).stdout.trim();
}

/** The status of an answer, and the code of its error. */
async function ask(token: string, method: string, path: string, body?: object): Promise<[number, string | undefined]> {
  const answer = await fetch(gateway.moved(stack.url(path)), {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : null,
  });
  const { code } = (await answer.json().catch(() => ({}))) as { code?: string };
  return [answer.status, code];
}

const opening = (id: string) => ({ id, description: 'No dial tone', severity: 'minor', ticketType: 'incident' });
const patch = (token: string, id: string, status: string) => ask(token, 'PATCH', `${tickets}/${id}`, { status });

test('each scope allows what it says, and nothing else', async () => {
  const [reader, writer, operator] = await Promise.all([
    create('dashboard', 'read'),
    create('monitoring', 'write'),
    create('olga', 'read,operate'),
  ]);
  await stack.open('SCOPES-1');
  expect(await ask(reader, 'GET', tickets)).toEqual([200, undefined]);
  expect(await ask(reader, 'POST', tickets, opening('SCOPES-2'))).toEqual([403, 'Forbidden']);
  expect(await ask(writer, 'POST', tickets, opening('SCOPES-2'))).toEqual([201, undefined]);
  expect(await ask(writer, 'GET', tickets)).toEqual([403, 'Forbidden']);
  expect(await ask(writer, 'GET', '/metrics')).toEqual([403, 'Forbidden']);
  expect(await patch(operator, 'SCOPES-1', 'resolved')).toEqual([403, 'Forbidden']);
  const form = (token: string) =>
    fetch(gateway.moved(stack.url('/reports/SCOPES-1')), {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Basic ${Buffer.from(`somebody:${token}`).toString('base64')}` },
      body: new URLSearchParams({ action: 'hold' }),
    });
  expect((await form(writer)).status).toBe(403);
  expect((await form(operator)).status).toBe(303);
  const { hold } = await stack.untilStatus('SCOPES-1', 'held', ({ held }) => held);
  expect(hold?.by).toBe('olga');
});

test('every route needs a token with its scope, except those for customers and health checks', async () => {
  const { paths } = (await (await fetch(stack.url('/openapi.json'))).json()) as { paths: Record<string, object> };
  const [reader, writer] = await Promise.all([create('all-read', 'read'), create('all-write', 'write')]);
  // The codec server and the log-out are there only if they are configured, and have tests of their own.
  const isOpen = (path: string) => /^\/([scu]|alarms|log(in|out)|codec)\b|^\/(healthz|readyz)$/.test(path);
  const methods = ['get', 'post', 'patch', 'put', 'delete'];
  const operations = Object.entries(paths)
    .filter(([path]) => !isOpen(path))
    .flatMap(([path, item]) => Object.keys(item).flatMap((name) => (methods.includes(name) ? [[path, name]] : [])));
  expect(operations.length).toBeGreaterThan(20);
  for (const [path = '', name = ''] of operations) {
    const url = path.replaceAll(/\{[^}]+\}/g, 'x');
    const method = name.toUpperCase();
    const [none, read, write] = [
      await ask('closeout_unknown', method, url),
      await ask(reader, method, url),
      await ask(writer, method, url),
    ].map(([status]) => status);
    const needs = method === 'GET' ? 'read' : path.startsWith('/reports/') ? 'operate' : 'write';
    const refusal = { path, method, none, read: read === 403, write: write === 403 };
    expect(refusal).toEqual({ path, method, none: 401, read: needs !== 'read', write: needs !== 'write' });
  }
});

test('the history shows the name of the token, whatever else is said', async () => {
  const token = await create('noc', 'write');
  await stack.open('NAMED-1');
  expect([200, 202]).toContain((await patch(token, 'NAMED-1', 'resolved'))[0]);
  await stack.untilSurvey('NAMED-1', 'sent');
  const entries = await stack.client.timeline('NAMED-1');
  expect(JSON.stringify(entries)).toContain('"by":"noc"');
  await stack.open('NAMED-2', { serviceProblemId: 'NAMED' });
  const asked = await ask(token, 'POST', '/service-problems/NAMED/clear', { by: 'eve' });
  expect(asked[0]).toBe(202);
  await stack.untilSurvey('NAMED-2', 'sent');
  const others = JSON.stringify(await stack.client.timeline('NAMED-2'));
  expect(others).toContain('"by":"noc"');
  expect(others).not.toContain('"by":"eve"');
  const ticket = {
    id: 'NAMED-3',
    description: 'No dial tone',
    severity: 'minor',
    ticketType: 'fault',
    openedBy: 'eve',
  };
  expect((await ask(token, 'POST', tickets, ticket))[0]).toBe(201);
  const [opening] = await stack.client.timeline('NAMED-3');
  expect(opening).toMatchObject({ isOpening: true, by: 'noc' });
});

test('a name that was typed, and not authenticated, is shown as such', async () => {
  await stack.open('TYPED-1', { serviceProblemId: 'TYPED' });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ by: 'customer' });
  const answer = await fetch(stack.url('/service-problems/TYPED/clear'), { method: 'POST', headers, body });
  expect(answer.status).toBe(202);
  await stack.untilSurvey('TYPED-1', 'sent');
  const entries = JSON.stringify(await stack.client.timeline('TYPED-1'));
  expect(entries).toContain('"by":"customer (unverified)"');
  expect(entries).not.toContain('"by":"customer"');
});

test('a method that a path does not know is refused as such, whatever the scope', async () => {
  const reader = await create('methods', 'read');
  expect(await ask(reader, 'PUT', `${tickets}/x`)).toEqual([405, 'MethodNotAllowed']);
  expect(await ask(reader, 'POST', '/nowhere')).toEqual([404, 'NotFound']);
});

test('a token is stored as a hash only, shown without it, and refused once it is revoked', async () => {
  const token = await create('leaving', 'read');
  expect(token).toMatch(/^closeout_[\w-]{43}$/);
  expect(await stack.dump()).not.toContain(token.slice(10));
  expect((await ask(token, 'GET', tickets))[0]).toBe(200);
  const { stdout } = await stack.closeout('tokens', 'list');
  expect(stdout).toMatch(/leaving\tread/);
  expect(stdout).not.toContain(token);
  await stack.closeout('tokens', 'revoke', 'leaving');
  expect(await ask(token, 'GET', tickets)).toEqual([401, 'Unauthorized']);
  // Also by the gateway that needs no token from this machine.
  const answer = await fetch(stack.url(tickets), { headers: { authorization: `Bearer ${token}` } });
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Basic')]);
});

test('what cannot be a token is refused with the reason', async () => {
  const refused = async (...args: string[]) => (await stack.closeout('tokens', ...args)).stderr;
  expect(await refused('create', 'x y', '--scope', 'read')).toContain('name must be at most 64 letters');
  expect(await refused('create', 'x', '--scope', 'all')).toContain('--scope must be one of read, write, operate');
  await create('twice', 'read');
  expect(await refused('create', 'twice', '--scope', 'read')).toContain('Token twice already exists');
  for (const own of ['customer', 'Closeout', 'signal'])
    expect(await refused('create', own, '--scope', 'write')).toContain('is reserved by Closeout');
  expect(await refused('revoke', 'nobody')).toContain('There is no token nobody');
});
