import { Stack } from '../stack/stack.js';
import { callApi, ticket, ticketPath, type Request } from '../stack/tickets.js';

/** How tickets are changed: merge patches, reasons, contacts. */
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

const path = ticketPath;
const call = (...request: Request) => callApi(stack, ...request);

test('attributes are patched by merge, null removes, what the server sets is refused', async () => {
  const { id } = (await call('POST', path, ticket({ customField: { a: 1 }, channel: { id: '3' } }))).body;
  const { body } = await call('PATCH', `${path}/${id}`, { description: 'Crackling', channel: null, externalId: 'E-5' });
  expect(body).toMatchObject({
    description: 'Crackling',
    externalId: 'E-5',
    customField: { a: 1 },
    severity: 'Critical',
  });
  expect(body).not.toHaveProperty('channel');
  expect(await call('PATCH', `${path}/${id}`, { description: '   ' })).toMatchObject({
    status: 400,
    body: { field: 'description' },
  });
  for (const name of ['id', 'href', 'creationDate', 'lastUpdate', 'statusChange', 'statusChangeDate']) {
    expect(await call('PATCH', `${path}/${id}`, { [name]: 'x' })).toMatchObject({
      status: 400,
      body: { field: name },
    });
  }
});

test('a patch merges objects at every level, and what results must be a ticket of the standard', async () => {
  const channel = { id: 'web', name: 'portal', href: 'https://care.example/portal' };
  const { id } = (await call('POST', path, ticket({ channel, custom: { line: { pair: 1, port: 2 } } }))).body;
  const patch = (body: object) => call('PATCH', `${path}/${id}`, body);
  const merged = await patch({ channel: { name: 'app', href: null }, custom: { line: { port: 3 } } });
  expect([merged.status, merged.body['channel']]).toEqual([200, { id: 'web', name: 'app' }]);
  expect(merged.body['custom']).toEqual({ line: { pair: 1, port: 3 } });
  for (const wrong of [{ id: null }, { name: 7 }]) {
    expect(await patch({ description: 'Half', channel: wrong })).toMatchObject({
      status: 400,
      body: { field: `channel.${Object.keys(wrong)[0]}` },
    });
  }
  expect((await call('GET', `${path}/${id}`)).body).toMatchObject({ ...ticket(), channel: { id: 'web', name: 'app' } });
});

test('a reason without a change of status, and in a creation, is kept', async () => {
  const { body } = await call('POST', path, ticket({ status: 'held', statusChangeReason: 'no access' }));
  expect(body).toMatchObject({ statusChangeReason: 'no access', statusChange: [{ changeReason: 'no access' }] });
  const patched = await call('PATCH', `${path}/${body.id}`, { statusChangeReason: 'key is on its way' });
  expect(patched).toMatchObject({ status: 200, body: { status: 'held', statusChangeReason: 'key is on its way' } });
});

test('resolutionDate is when the problem was resolved, as far as Closeout knows', async () => {
  const [planned, before] = [Date.now() + 3_600_000, Date.now() - 60_000].map((time) => new Date(time).toISOString());
  const { id } = (await call('POST', path, ticket({ resolutionDate: planned }))).body;
  const patch = (body: object) => call('PATCH', `${path}/${id}`, body);
  expect((await call('GET', `${path}/${id}`)).body['resolutionDate']).toBe(planned);
  expect(await patch({ status: 'resolved', name: 'Late', resolutionDate: planned })).toMatchObject({
    status: 400,
    body: { field: 'resolutionDate' },
  });
  expect((await call('GET', `${path}/${id}`)).body).not.toHaveProperty('name');
  await patch({ status: 'resolved', resolutionDate: before });
  await stack.untilSurvey(id, 'sent');
  expect((await call('GET', `${path}/${id}`)).body['resolutionDate']).toBe(before);
});

test('null and lists that are empty remove what stood there (RFC 7396); what is required stays', async () => {
  const given = ticket({ name: 'Line down', priority: 'high', externalId: 'E-6', channel: { id: 'web' } });
  const { id } = (await call('POST', path, given)).body;
  const patch = { name: null, priority: null, externalId: null, channel: null, relatedParty: null };
  const patched = await call('PATCH', `${path}/${id}`, { ...patch, relatedContactInformation: [] });
  expect(patched.status).toBe(200);
  for (const name of [...Object.keys(patch), 'relatedContactInformation'])
    expect(patched.body).not.toHaveProperty(name);
  expect(await stack.client.contactOf(id)).toBeUndefined();
  expect(await stack.client.get(id)).toMatchObject({ customerId: undefined, serviceProblemId: 'SP-9' });
  expect((await call('PATCH', `${path}/${id}`, { description: null })).status).toBe(400);
  await call('PATCH', `${path}/${id}`, { status: 'resolved', name: null });
  expect((await stack.untilPhase(id, 'done')).survey).toEqual({ state: 'skipped', reason: 'noAddress' });
});

test('every contact keeps every attribute that it came with', async () => {
  const contacts = [
    {
      role: 'reporterContact',
      name: 'Bea',
      number: '+1 555 0100',
      organization: 'Buyer',
      postalAddress: { city: 'Ulm' },
    },
    { role: 'reporterContact', name: 'Cem', number: '+1 555 0101' },
    { role: 'technicalContact', name: 'Dee' },
  ];
  const { body } = await call('POST', path, ticket({ relatedContactInformation: contacts }));
  expect(body['relatedContactInformation']).toEqual(contacts);
  const others = [{ role: 'reporterContact', emailAddress: 'eva@customers.example', number: '+1 555 0102' }];
  const patched = await call('PATCH', `${path}/${body.id}`, { relatedContactInformation: others });
  expect(patched.body['relatedContactInformation']).toEqual(others);
  expect((await call('GET', `${path}/${body.id}`)).body['relatedContactInformation']).toEqual(others);
  await stack.closeout('erase', 'C-77', '--yes');
  expect(await stack.dump()).not.toMatch(/555 010|Buyer/);
});

test('a move between open statuses keeps its reason', async () => {
  const { id } = (await call('POST', path, ticket())).body;
  const reason = { status: 'pending', statusChangeReason: 'waiting for parts' };
  expect((await call('PATCH', `${path}/${id}`, reason)).body).toMatchObject(reason);
  const { body } = await call('GET', `${path}/${id}`);
  expect(body).toMatchObject({
    ...reason,
    statusChange: [{ status: 'acknowledged' }, { status: 'pending', changeReason: 'waiting for parts' }],
  });
  const last = (await stack.client.timeline(id)).at(-1);
  expect(last).toMatchObject({ kind: 'status', status: 'pending', by: expect.any(String) as string });
});

test('a patch of another kind is refused by the name of the one that is accepted', async () => {
  const { id } = (await call('POST', path, ticket())).body;
  const operations = [{ op: 'replace', path: '/status', value: 'resolved' }];
  const headers = { 'content-type': 'application/json-patch+json' };
  expect(await call('PATCH', `${path}/${id}`, operations, headers)).toMatchObject({
    status: 415,
    body: { message: expect.stringContaining('application/merge-patch+json') as string },
  });
});
