import { post, untilServed } from '../stack/http.js';
import { linkIn, type SeenMail } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { callApi, ticket, ticketPath, type Request, type Ticket } from '../stack/tickets.js';

/** What the whole resource can do beside creating and changing one ticket: lists, methods, transitions, notes, deletion. */
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

const path = ticketPath;
const call = (...request: Request) => callApi(stack, ...request);
const idsOf = ({ body }: { body: unknown }) => (body as Ticket[]).map(({ id }) => id);

test('a list is filtered by several statuses, and never by one that does not exist', async () => {
  const severity = 'Several';
  for (const status of ['acknowledged', 'pending', 'held']) await call('POST', path, ticket({ severity, status }));
  const { body } = await call('GET', `${path}?severity=${severity}&status=pending,held`);
  expect((body as unknown as Ticket[]).map(({ status }) => status).sort()).toEqual(['held', 'pending']);
  expect(await call('GET', `${path}?status=cleared`)).toMatchObject({
    status: 400,
    body: { field: 'status', message: expect.stringContaining('resolved') as string },
  });
});

test('the list filters, pages, counts and gives only the fields that were asked for', async () => {
  for (let n = 0; n < 5; n++) await call('POST', path, ticket({ severity: 'Rare', externalId: `L-${n}` }));
  const page = await call('GET', `${path}?severity=Rare&limit=2&offset=1&fields=severity,status`);
  expect(page.headers.get('x-total-count')).toBe('5');
  expect(page.headers.get('x-result-count')).toBe('2');
  const tickets = page.body as unknown as Ticket[];
  expect(tickets.map((one) => Object.keys(one).sort())).toEqual(Array(2).fill(['href', 'id', 'severity', 'status']));
  expect((await call('GET', `${path}?colour=red`)).body).toEqual([]);
  expect(await call('GET', `${path}?a..b=1`)).toMatchObject({ status: 400, body: { field: 'a..b' } });
  expect(await call('GET', `${path}?sort=;drop`)).toMatchObject({ status: 400, body: { field: 'sort' } });
  expect(await call('GET', `${path}?limit=many`)).toMatchObject({ status: 400, body: { field: 'limit' } });
});

test('a list is filtered by any attribute, nested ones too, and sorted', async () => {
  const mine = { severity: 'Nested' };
  const create = async (more: object) => (await call('POST', path, ticket({ ...mine, ...more }))).body.id;
  const plain = await create({
    relatedParty: [{ id: 'C-nested', role: 'customer', '@referredType': 'Customer' }],
    name: 'b',
  });
  const rich = await create({
    name: 'a',
    channel: { id: 'web', name: 'portal' },
    custom: { level: 3, isVip: true },
    relatedParty: [],
  });
  const contact = { role: 'reporterContact', emailAddress: 'nested@customers.example' };
  const reached = await create({ name: 'c', relatedContactInformation: [contact], note: [{ text: 'rings once' }] });
  const list = async (query: string) => idsOf(await call('GET', `${path}?severity=Nested&${query}`));
  expect(await list('relatedParty.id=C-nested')).toEqual([plain]);
  expect(await list('channel.name=portal')).toEqual([rich]);
  expect(await list('custom.level=3')).toEqual([rich]);
  expect(await list('custom.isVip=true')).toEqual([rich]);
  expect(await list('custom.level.gt=2')).toEqual([rich]);
  expect(await list('custom.level.gt=3')).toEqual([]);
  expect(await list('relatedContactInformation.emailAddress=nested@customers.example')).toEqual([reached]);
  expect(await list('note.text=rings%20once')).toEqual([reached]);
  expect(await list('statusChange.status=acknowledged')).toHaveLength(3);
  expect(await list('sort=name')).toEqual([rich, plain, reached]);
  expect(await list('sort=-name&limit=2')).toEqual([reached, plain]);
  expect(await list('sort=creationDate')).toEqual([plain, rich, reached]);
  const { body } = await call('GET', `${path}/${rich}`);
  expect(await list(`creationDate=${String(body['creationDate'])}`)).toEqual([rich]);
  expect(await list(`creationDate.gt=${String(body['creationDate'])}`)).toEqual([reached]);
  expect(await list(`name=a&name.gt=%27%20or%201=1`)).toEqual([rich]);
});

test('times are compared and sorted as instants, whatever zone and precision they are written with', async () => {
  const dates = ['2027-01-01T00:30:00+02:00', '2027-01-01T00:00:00Z', '2026-12-31T18:45:00.5-05:00'];
  const ids: string[] = [];
  for (const expectedResolutionDate of dates)
    ids.push((await call('POST', path, ticket({ severity: 'Instants', expectedResolutionDate }))).body.id);
  const [first = '', third = '', second = ''] = ids;
  const list = async (query: string) => idsOf(await call('GET', `${path}?severity=Instants&${query}`));
  expect(await list('sort=expectedResolutionDate')).toEqual([first, second, third]);
  expect(await list('expectedResolutionDate.lt=2027-01-01&sort=expectedResolutionDate')).toEqual([first, second]);
  expect(await list('expectedResolutionDate=2026-12-31T22:30:00.000Z')).toEqual([first]);
  expect(await list('expectedResolutionDate.gte=2027-01-01T00:00:00%2B00:00')).toEqual([third]);
  expect(await list('expectedResolutionDate.gte=2027-01-01T00:00:00+00:00')).toEqual([third]);
  const { creationDate } = (await call('GET', `${path}/${first}`)).body;
  const second0 = String(creationDate).replace(/\.\d+Z/, 'Z');
  expect(await list(`id=${first}&creationDate.gte=${second0}`)).toEqual([first]);
  expect(await list(`id=${first}&creationDate.lt=${second0}`)).toEqual([]);
});

test('operators have two spellings, several values are alternatives, and a ticket is found by its address', async () => {
  const create = async (name: string) => (await call('POST', path, ticket({ severity: 'Spelling', name }))).body;
  const [one, two] = [await create('one'), await create('two')];
  const list = async (query: string) => idsOf(await call('GET', `${path}?severity=Spelling&sort=name&${query}`));
  const at = String(two['creationDate']);
  expect(await list(`creationDate%3E=${at}`)).toEqual([two.id]);
  expect(await list(`creationDate%3C${at}`)).toEqual([one.id]);
  expect(await list(`creationDate<=${at}`)).toEqual([one.id, two.id]);
  expect(await list(`creationDate.eq=${at}`)).toEqual([two.id]);
  expect(await list('name.ne=one')).toEqual([two.id]);
  expect(await list('priority.ne=1')).toEqual([one.id, two.id]);
  expect(await list('name=one&name=two&name=three')).toEqual([one.id, two.id]);
  expect(await list('status=held&status=acknowledged')).toEqual([one.id, two.id]);
  expect(await list(`href=${String(one['href'])}`)).toEqual([one.id]);
  expect(await list(`href=${String(one['href'])}&id=${two.id}`)).toEqual([]);
  expect(await list(`href=https://elsewhere.example/${one.id}`)).toEqual([]);
});

test.each(['severity.regex', 'status.foo', 'note.text.x', 'creationDate.between'])(
  '%s is refused: no ticket has it',
  async (name) => {
    const { status, body } = await call('GET', `${path}?${name}=1`);
    expect([status, body['field']]).toEqual([400, name]);
    expect(body['message']).toContain('the operators are .eq, .ne, .gt, .gte, .lt, .lte');
  },
);

test.each([
  'creationDate=yesterday',
  'lastUpdate.gt=2026-13-01',
  'creationDate.gt=2026-01-01,2026-02-01',
  'creationDate.ne=2026-01-01T00:00:00-16:00',
  'note.date=',
])('%s is refused: it is no time', async (query) => {
  const { status, body } = await call('GET', `${path}?${query}`);
  expect([status, body['field']]).toEqual([400, query.split('=')[0]]);
  expect(body['message']).toContain('must be a time in ISO 8601');
});

test('every other method is refused with those that are allowed, and every error leads to its explanation', async () => {
  const { id } = (await call('POST', path, ticket())).body;
  for (const [method, target, allow] of [
    ['PUT', `${path}/${id}`, 'DELETE, GET, HEAD, PATCH'],
    ['DELETE', path, 'GET, HEAD, POST'],
    ['PATCH', path.replace(/troubleTicket$/, 'hub'), 'POST'],
    ['GET', path.replace(/troubleTicket$/, 'hub/x'), 'DELETE'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['GET', '/service-problems/SP-1/clear', 'POST'],
  ] as const) {
    const answer = await call(method, target, method === 'GET' ? undefined : {});
    expect([method, target, answer.status, answer.headers.get('allow')]).toEqual([method, target, 405, allow]);
  }
  const { body } = await call('GET', `${path}/none`);
  const [page, code] = String(body['referenceError']).split('#');
  expect(new URL(page ?? '').pathname).toBe('/errors');
  expect(await (await fetch(page ?? '')).text()).toContain(`id="${code}"`);
});

test('a status moves as the standard’s reference implementation says', async () => {
  const { id } = (await call('POST', path, ticket())).body;
  const move = async (status: string) => (await call('PATCH', `${path}/${id}`, { status })).status;
  expect(await move('inProgress')).toBe(200);
  expect(await call('PATCH', `${path}/${id}`, { status: 'acknowledged' })).toMatchObject({
    status: 409,
    body: {
      message: expect.stringContaining('its status can become held, pending, resolved, cancelled') as string,
    },
  });
  expect(await move('held')).toBe(200);
  expect(await move('rejected')).toBe(409);
  expect(await move('pending')).toBe(200);
});

test('an external id is one ticket, however often and however fast it is sent', async () => {
  const body = ticket({ externalId: 'ONCE-1' });
  const send = () => untilServed(() => call('POST', path, body));
  const answers = await Promise.all(Array.from({ length: 5 }, send));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
  expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  expect(answers.every((answer) => answer.headers.get('location') === answer.body['href'])).toBe(true);
});

test('notes are append-only', async () => {
  const first = { author: 'Ann', text: 'rings once' };
  const { id } = (await call('POST', path, ticket({ note: [first] }))).body;
  const second = { author: 'Ben', text: 'line tested' };
  await call('PATCH', `${path}/${id}`, { note: [second] });
  expect((await call('PATCH', `${path}/${id}`, { note: [first, second] })).body['note']).toEqual([first, second]);
  expect(await call('PATCH', `${path}/${id}`, { note: null })).toMatchObject({ status: 400, body: { field: 'note' } });
});

test.each(['text/plain', 'application/json', 'application/json;charset=utf-8'])(
  'a DELETE without a body may name the type %s',
  async (type) => {
    const { id } = (await call('POST', path, ticket())).body;
    expect((await call('DELETE', `${path}/${id}`, undefined, { 'content-type': type })).status).toBe(204);
  },
);

test('a ticket with the id of a deleted one has no survey in common with it, whose opt-out link still works', async () => {
  const id = await stack.open('TWICE-1');
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const first = await stack.client.surveys.currentOf(id);
  expect((await call('DELETE', `${path}/${id}`)).status).toBe(204);
  const [mail] = await stack.mails(id);
  expect((await fetch(linkIn(mail as SeenMail, 5))).status).toBe(410);
  const optOut = mail?.text?.match(/http:\S+\/u\/\S+/)?.[0] ?? '';
  expect((await fetch(optOut)).status).toBe(200);
  expect((await post(optOut, { 'List-Unsubscribe': 'One-Click' })).status).toBe(200);
  expect(await stack.client.customers.doNotContact(10)).toMatchObject([{ kind: 'optedOut', reportId: null }]);
  expect((await post(optOut, { undo: 'yes' })).status).toBe(200);
  expect(await stack.client.customers.doNotContact(10)).toEqual([]);

  await stack.open(id);
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const second = await stack.client.surveys.currentOf(id);
  expect((await stack.client.get(id)).cycle).toBe(2);
  expect(second?.id).not.toBe(first?.id);
});

test('a deleted ticket is gone, with its run and everything about its customer', async () => {
  const { id } = (await call('POST', path, ticket({ description: 'zanzibar line' }))).body;
  await stack.client.reopen(id, { by: 'customer', reason: 'zanzibar again' });
  await call('PATCH', `${path}/${id}`, { status: 'pending', statusChangeReason: 'zanzibar waits' });
  expect((await call('DELETE', `${path}/${id}`)).status).toBe(204);
  for (const method of ['GET', 'DELETE']) expect((await call(method, `${path}/${id}`)).status).toBe(404);
  expect(await stack.dump()).not.toContain('zanzibar');
  const run = stack.temporal.workflow.getHandle(`problem-report:${id}`);
  expect((await run.describe()).status.name).toBe('TERMINATED');
  await stack.closeout('watch');
  expect((await call('GET', `${path}/${id}`)).status).toBe(404);
});

test('a ticket with the id of a deleted one gets none of its signals', async () => {
  const worker = (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(stack.pids()['worker'] ?? NaN, signal);
  worker('SIGSTOP');
  try {
    await stack.open('REUSED-1');
    await stack.client.clear('REUSED-1');
    expect((await call('DELETE', `${path}/REUSED-1`)).status).toBe(204);
    await stack.open('REUSED-1');
  } finally {
    worker('SIGCONT');
  }
  const ended = 'WorkflowId="problem-report:REUSED-1" AND ExecutionStatus="Terminated"';
  await until('the first run to be listed', async () => (await stack.temporal.workflow.count(ended)).count === 1);
  await stack.client.overview.sweep();
  await stack.untilPhase('REUSED-1', 'open', 2);
  expect(await stack.client.get('REUSED-1')).toMatchObject({ status: 'acknowledged' });
});
