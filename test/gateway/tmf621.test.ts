import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Stack } from '../stack/stack.js';
import { callApi, ticket, ticketPath, type Request } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

const path = ticketPath;
const call = (...request: Request) => callApi(stack, ...request);

test('a ticket that is created, resolved and read again was closed on the way', async () => {
  const created = await call(
    'POST',
    path,
    ticket({ name: 'Line down', priority: 'high', note: [{ text: 'rings once' }] }),
  );
  expect(created.status).toBe(201);
  const { id } = created.body;
  expect(created.headers.get('location')).toBe(created.body['href']);
  expect(created.body).toMatchObject({
    ...ticket(),
    name: 'Line down',
    priority: 'high',
    note: [{ text: 'rings once' }],
    status: 'acknowledged',
  });

  const resolved = await call('PATCH', `${path}/${id}`, { status: 'resolved', statusChangeReason: 'card replaced' });
  expect([200, 202]).toContain(resolved.status); // 202: its run has not followed yet

  const closed = await until('closed', async () => {
    const { body } = await call('GET', `${path}/${id}`);
    return body['status'] === 'closed' && body;
  });
  const statuses = (closed['statusChange'] as { status: string }[]).map(({ status }) => status);
  expect(statuses).toEqual(['acknowledged', 'resolved', 'closed']);
  expect(closed['resolutionDate']).toBeDefined();
  await stack.untilSurvey(id, 'sent');
  const repeated = await call('PATCH', `${path}/${id}`, { status: 'resolved' });
  expect(repeated).toMatchObject({ status: 200, body: { status: 'closed' } });
});

test('inProgress after closed reopens, cancelled ends, closed by hand is refused with what is allowed', async () => {
  const { id } = (await call('POST', path, ticket({ relatedParty: [] }))).body;
  expect(await call('PATCH', `${path}/${id}`, { status: 'closed' })).toMatchObject({
    status: 409,
    body: { code: 'StatusConflict', field: 'status' },
  });
  await call('PATCH', `${path}/${id}`, { status: 'pending' });
  await call('PATCH', `${path}/${id}`, { status: 'resolved' });
  await stack.untilSurvey(id, 'sent');
  const mergePatch = { 'content-type': 'application/merge-patch+json' };
  expect([200, 202]).toContain((await call('PATCH', `${path}/${id}`, { status: 'inProgress' }, mergePatch)).status);
  await stack.untilPhase(id, 'open', 2);
  expect([200, 202]).toContain((await call('PATCH', `${path}/${id}`, { status: 'cancelled' })).status);
  await stack.untilPhase(id, 'done');
  expect((await call('GET', `${path}/${id}`)).body['status']).toBe('cancelled');
  const refused = await call('PATCH', `${path}/${id}`, { status: 'inProgress' });
  expect(refused.body['message']).toContain('which is final');
});

test('a body in another encoding is refused, and one in UTF-8 accepted', async () => {
  for (const [charset, status] of [
    ['iso-8859-1', 415],
    ['"UTF-8"', 201],
  ] as const) {
    const headers = { 'content-type': `application/json; charset=${charset}` };
    expect((await call('POST', path, ticket(), headers)).status).toBe(status);
  }
});

test.each([
  ['', 'The body is missing.'],
  [
    '{"__proto__":{"x":1}}',
    'The body has an attribute named __proto__ or constructor.prototype, which is not allowed.',
  ],
])('the body %j is refused in words', async (body, message) => {
  const headers = { 'content-type': 'application/json' };
  expect(await call('POST', path, body, headers)).toMatchObject({ status: 400, body: { message } });
});

test('an event for a TMF621 system is refused where none is configured', async () => {
  const answer = await call('POST', path.replace(/troubleTicket$/, 'listener/troubleTicketCreateEvent'), { event: {} });
  expect(answer).toMatchObject({ status: 404, body: { message: 'No TMF621 system is configured.' } });
});

test.each<[string, unknown, number, string | undefined]>([
  ['malformed JSON', '{"description":', 400, undefined],
  ['no JSON object', [], 400, undefined],
  ['a missing field', { severity: 'x', ticketType: 'y' }, 400, 'description'],
  ['a field of another type', ticket({ severity: 5 }), 400, 'severity'],
  ['a status that does not exist', ticket({ status: 'cleared' }), 400, 'status'],
  ['a ticket born closed', ticket({ status: 'closed' }), 400, 'status'],
  ['an id that cannot be in a URL', ticket({ id: 'a/b' }), 400, 'id'],
  ['a party without type', ticket({ relatedParty: [{ id: 'x' }] }), 400, 'relatedParty[0].@referredType'],
  ['a note without text', ticket({ note: [{ author: 'x' }] }), 400, 'note[0].text'],
  ['an attachment without a type', ticket({ attachment: [{ id: 5 }] }), 400, 'attachment[0].id'],
  ['a date that is none', ticket({ requestedResolutionDate: 'soon' }), 400, 'requestedResolutionDate'],
  ['a channel that is a text', ticket({ channel: 'web' }), 400, 'channel'],
  [
    'a time zone that does not exist',
    ticket({ relatedContactInformation: [{ role: 'reporterContact', timeZone: 'Mars/Base' }] }),
    400,
    'relatedContactInformation[0].timeZone',
  ],
  ...['a@b, evil@x.example', 'a@b\r\nBcc: evil@x.example', 'a@b@c', 'no-at-sign', '', '<a@b>'].map(
    (emailAddress): [string, unknown, number, string] => [
      `the address ${JSON.stringify(emailAddress)}`,
      ticket({ relatedContactInformation: [{ role: 'reporterContact', emailAddress }] }),
      400,
      'relatedContactInformation[0].emailAddress',
    ],
  ),
  ['10 MB', `{"description":"${'x'.repeat(10_000_000)}"}`, 413, undefined],
])('%s is refused with a message, and nothing is stored', async (_, body, status, field) => {
  const before = (await stack.client.list({ limit: 1 })).total;
  const answer = await call('POST', path, body);
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ '@type': 'Error', status: `${status}` });
  expect(answer.body['field'] ?? undefined).toBe(field);
  expect(String(answer.body['message']).length).toBeGreaterThan(10);
  expect((await stack.client.list({ limit: 1 })).total).toBe(before);
});

test('a report that does not exist, an id that is taken, a method that is not offered, another media type', async () => {
  expect(await call('GET', `${path}/NONE`)).toMatchObject({ status: 404, body: { code: 'ReportNotFound' } });
  expect(await call('PATCH', `${path}/NONE`, { status: 'resolved' })).toMatchObject({
    status: 404,
    body: { code: 'ReportNotFound' },
  });
  await call('POST', path, ticket({ id: 'TAKEN-1' }));
  expect(await call('POST', path, ticket({ id: 'TAKEN-1' }))).toMatchObject({
    status: 409,
    body: { code: 'ReportExists' },
  });
  expect(await call('PUT', `${path}/TAKEN-1`, {})).toMatchObject({ status: 405 });
  expect(await call('POST', path, 'a=b', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
});

test('a name with line breaks adds no header and no recipient', async () => {
  const { id } = (
    await call(
      'POST',
      path,
      ticket({
        relatedParty: [],
        relatedContactInformation: [
          { role: 'reporterContact', name: 'Eve\r\nBcc: evil@x.example', emailAddress: 'eve@customers.example' },
        ],
      }),
    )
  ).body;
  await call('PATCH', `${path}/${id}`, { status: 'resolved' });
  const [mail] = await stack.untilMails(id, 1);
  expect(mail?.headers.has('bcc')).toBe(false);
  expect(mail?.to).toMatchObject({ value: [{ address: 'eve@customers.example' }] });
});

test('while the database is down: 503 in words, nothing half done, and the same call works after', async () => {
  const create = async () => {
    const { status, body } = await call('POST', path, ticket({ id: 'DOWN-1' }));
    return status === 503 ? body['code'] : status;
  };
  // Before, during and after the kill, so that it meets connections in every state.
  const answers = Array.from({ length: 60 }, (_, index) => pause(index * 20).then(create));
  await pause(200);
  await stack.kill('PostgreSQL');
  // It is started again while we ask.
  for (const answer of await Promise.all(answers)) expect([201, 409, 'DatabaseUnavailable']).toContain(answer);
  await until('the same call to work', async () =>
    [201, 409].includes((await call('POST', path, ticket({ id: 'DOWN-1' }))).status),
  );
  await call('PATCH', `${path}/DOWN-1`, { status: 'resolved' });
  await until('closed', async () => (await stack.client.get('DOWN-1')).status === 'closed');
});

test('health says what it depends on', async () => {
  expect((await call('GET', '/healthz')).body).toEqual({ status: 'ok' });
  const ready = await until('ready', async () => {
    const { body } = await call('GET', '/readyz');
    return body['status'] === 'ok' && body;
  });
  expect(ready).toEqual({ status: 'ok', database: 'ok', temporal: 'ok', worker: 'ok' });
});

test('a gateway is ready while Temporal says nothing, before those who ask give up', async () => {
  const pid = stack.pids()['Temporal'] ?? NaN;
  process.kill(pid, 'SIGSTOP');
  try {
    await until('the next verdict', async () => {
      const answer = await fetch(stack.url('/readyz'), { signal: AbortSignal.timeout(4_000) }); // as in deploy/kubernetes.yaml
      expect(answer.status).toBe(200);
      return ((await answer.json()) as { status: string }).status === 'degraded';
    });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

const official = resolve('../shared/tmf621/TMF621-TroubleTicket-v4.0.0.swagger.json');
(existsSync(official) ? test : test.skip)(
  'what is given back has the names and types of the official document',
  async () => {
    interface Definition {
      properties: Record<string, { type?: string }>;
    }
    const { definitions } = JSON.parse(readFileSync(official, 'utf8')) as { definitions: Record<string, Definition> };
    const { body } = await call('POST', path, ticket());
    const ours = new Set(['relatedContactInformation']); // MEF 124
    for (const [name, value] of Object.entries(body)) {
      if (ours.has(name)) continue;
      const property = definitions['TroubleTicket']?.properties[name];
      expect({ name, known: property !== undefined }).toEqual({ name, known: true });
      if (property?.type)
        expect({ name, type: Array.isArray(value) ? 'array' : typeof value }).toEqual({ name, type: property.type });
    }
  },
);
