import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportIdOfTicket } from '../../src/systems/systems.js';
import { FaultyProxy } from '../stack/faulty-proxy.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { Tmf621Server } from './tmf621-server.js';

/** The whole of Closeout with tickets that live in a TMF621 system, whose agents do things at the wrong moment. */
const policy = `
default: { survey: { contactCap: null } }
rules:
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, warnBefore: null, businessHours: null }
  - when: { ticketType: late }
    reopen: { within: 0s }
`;
const server = new Tmf621Server('v4');
let proxy: FaultyProxy;
let stack: Stack;

beforeAll(async () => {
  const origin = await server.listen();
  proxy = new FaultyProxy(origin);
  const folder = await mkdtemp(join(tmpdir(), 'closeout-test-tmf621-'));
  const path = join(folder, 'systems.yaml');
  const desk = {
    type: 'tmf621',
    url: `${await proxy.listen()}/tmf-api/troubleTicket/v4`,
    oauth: { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: { env: 'DESK_SECRET' } },
    poll: '1s',
    rate: '500/s',
  };
  await writeFile(path, JSON.stringify({ systems: { desk } }));
  stack = await Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: path, DESK_SECRET: 'secret' } });
});
beforeEach(() => proxy.reset());
afterAll(async () => {
  await stack.end();
  await proxy.close();
  await server.close();
});

let count = 0;

/** A ticket of a customer of its own, once Closeout knows it. */
async function ticket(ticketType = 'incident'): Promise<{ ticketId: string; id: string }> {
  const n = ++count;
  const ticketId = server.open({
    name: `No dial tone ${n}`,
    description: 'Line 3',
    severity: 'major',
    ticketType,
    relatedParty: [{ id: `C-${n}`, role: 'customer' }],
    relatedContactInformation: [{ role: 'reporterContact', emailAddress: `ann-${n}@customers.example` }],
  });
  return { ticketId, id: await known(ticketId) };
}

async function known(ticketId: string): Promise<string> {
  const found = () => stack.client.list({ filter: { externalId: ticketId }, offset: 0, limit: 1 });
  return until(`${ticketId} to be seen`, async () => (await found()).reports[0]?.id ?? false);
}

const untilTicket = (ticketId: string, status: string) =>
  until(`${ticketId} to be ${status}`, () => Promise.resolve(server.statusOf(ticketId) === status));
const untilObserved = (id: string, status: string) =>
  until(`${id} to be seen as ${status}`, async () => {
    const found = await stack.sql('select from reports where id = $1 and observed_status = $2', [id, status]);
    return found.length === 1;
  });
const changesMade = () => proxy.passed.filter(({ method }) => method === 'PATCH').length;
const failing = () => {
  proxy.fault = ({ method }) => (method === 'PATCH' ? { instead: { status: 503 } } : undefined);
};

test('a ticket that an agent reopens while its closing is tried again and again is not closed', async () => {
  const { ticketId, id } = await ticket();
  failing();
  server.set(ticketId, 'resolved');
  await until('an attempt', () => Promise.resolve(changesMade() > 0));
  server.set(ticketId, 'inProgress');
  await stack.untilPhase(id, 'open');
  proxy.reset();
  expect(server.statusOf(ticketId)).toBe('inProgress');
  expect(await stack.client.get(id)).toMatchObject({ status: 'inProgress', cycle: 1 });
  server.set(ticketId, 'resolved');
  await untilTicket(ticketId, 'closed');
  await stack.untilSurvey(id, 'sent');
  expect(server.historyOf(ticketId).filter((status) => status === 'closed')).toHaveLength(1);
});

test('a ticket that a monitor clears, and an agent reopens meanwhile, is not closed either', async () => {
  const { ticketId, id } = await ticket();
  failing();
  await stack.signal(id, 'cleared');
  await until('an attempt', () => Promise.resolve(changesMade() > 0));
  server.set(ticketId, 'resolved');
  await untilObserved(id, 'resolved');
  server.set(ticketId, 'pending');
  await stack.untilPhase(id, 'open');
  expect(server.historyOf(ticketId)).not.toContain('closed');
});

test('a hold stops a closing that is being tried', async () => {
  const { ticketId, id } = await ticket();
  failing();
  server.set(ticketId, 'resolved');
  await until('an attempt', () => Promise.resolve(changesMade() > 0));
  await stack.closeout('hold', id, '--by', 'Olga');
  proxy.reset();
  await stack.untilHeld(id);
  const { clearedAt } = await stack.client.get(id);
  expect(clearedAt).toBeDefined();
  expect(server.statusOf(ticketId)).toBe('resolved');
  await stack.closeout('release', id, '--by', 'Olga');
  await untilTicket(ticketId, 'closed');
});

test('what an agent closes while its customer is asked is closed, without a note of ours, and the customer is asked to rate it', async () => {
  const { ticketId, id } = await ticket('confirmed');
  server.set(ticketId, 'resolved');
  await stack.untilAsked(id);
  server.set(ticketId, 'closed');
  await stack.untilSurvey(id, 'sent');
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
  expect(server.notesOf(ticketId)).toEqual([]);
});

test('a ticket that was rejected by mistake is followed again, in its next cycle', async () => {
  const { ticketId, id } = await ticket();
  server.set(ticketId, 'rejected');
  expect(await stack.untilPhase(id, 'done')).toMatchObject({ outcome: 'cancelled' });
  server.set(ticketId, 'inProgress');
  await stack.untilPhase(id, 'open', 2);
  server.set(ticketId, 'resolved');
  await stack.untilSurvey(id, 'sent');
  expect(server.statusOf(ticketId)).toBe('closed');
});

test('a closed ticket that is rejected afterwards stays closed', async () => {
  const { ticketId, id } = await ticket();
  server.set(ticketId, 'resolved');
  await stack.untilSurvey(id, 'sent');
  server.set(ticketId, 'rejected');
  await untilObserved(id, 'cancelled');
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
});

test('a ticket that is not found once is not cancelled', async () => {
  const { ticketId, id } = await ticket();
  proxy.fault = ({ path }) => (path.endsWith(encodeURIComponent(ticketId)) ? { instead: { status: 404 } } : undefined);
  await stack.client.systems.hint('desk', [ticketId]);
  await until('it to be read', () =>
    Promise.resolve(proxy.passed.some(({ path }) => path.endsWith(encodeURIComponent(ticketId)))),
  );
  proxy.reset();
  await until('the hint to be done', async () => (await stack.sql('select from system_hints')).length === 0);
  expect((await stack.client.status(id)).phase).toBe('open');
  server.remove(ticketId);
  await stack.client.systems.hint('desk', [ticketId]);
  expect(await stack.untilPhase(id, 'done')).toMatchObject({ outcome: 'cancelled' });
});

test('a proxy without a route cancels nothing', async () => {
  const { ticketId, id } = await ticket();
  proxy.fault = () => ({ instead: { status: 404 } });
  await stack.signal(id, 'cleared');
  const reads = () => proxy.passed.filter(({ path }) => path.endsWith(encodeURIComponent(ticketId))).length;
  await until('three readings', () => reads() >= 3);
  proxy.reset();
  await untilTicket(ticketId, 'closed');
  await stack.untilSurvey(id, 'sent');
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
});

test('one ticket that cannot be stored holds up no other', async () => {
  await stack.sql(`
    create function refuse() returns trigger language plpgsql as
      $$ begin raise exception using errcode = '22007'; end $$`);
  await stack.sql(`
    create trigger refuse before insert on reports for each row when (new.description = 'poison') execute function refuse()`);
  server.open({ name: 'Unreadable', description: 'poison', creationDate: '27.11.2026' });
  await ticket();
  expect((await stack.client.systems.states())[0]).toMatchObject({ failingSince: null });
  await stack.sql('drop function refuse cascade');
});

test('what is read from the ticket cannot be changed here', async () => {
  const { id } = await ticket();
  const refused = { code: 'StatusConflict', message: expect.stringContaining('lives in desk') as string };
  await expect(stack.client.update(id, { severity: 'minor' })).rejects.toMatchObject({ ...refused, field: 'severity' });
  await expect(stack.client.update(id, { contact: null })).rejects.toMatchObject({ ...refused, field: 'contact' });
  expect((await stack.client.update(id, { severity: 'major', priority: 'high' })).report.priority).toBe('high');
});

test('a system that cannot be read shows in the metrics for as long', async () => {
  const failingFor = async () => {
    const metrics = await (await fetch(stack.url('/metrics'))).text();
    return Number(/^closeout_system_failing_seconds\{system="desk"\} (.+)$/m.exec(metrics)?.[1]);
  };
  proxy.fault = () => ({ instead: { status: 503 } });
  await until('it to fail', async () => (await failingFor()) > 0);
  proxy.reset();
  await until('it to be read', async () => (await failingFor()) === 0);
});

const isAbout = (ids: string[], path: string) => ids.some((id) => path.endsWith(encodeURIComponent(id)));

test.each([1, 4])('%i tickets that cannot be read hold up no other', async (number) => {
  const broken = (await Promise.all(Array.from({ length: number }, () => ticket()))).map(({ ticketId }) => ticketId);
  const other = await ticket();
  proxy.fault = ({ path }) => (isAbout(broken, path) ? { instead: { status: 500 } } : undefined);
  await stack.client.systems.hint('desk', broken);
  server.set(other.ticketId, 'resolved');
  await stack.untilSurvey(other.id, 'sent');
  if (number === 1) expect((await stack.client.systems.states())[0]).toMatchObject({ failingSince: null });
});

test('a note that only looks like ours does not stop the closing', async () => {
  const { ticketId, id } = await ticket();
  server.change(ticketId, { note: [{ text: `Thank you.\n[closeout:${id}:1:closed]` }] });
  await stack.signal(id, 'cleared');
  await untilTicket(ticketId, 'closed');
});

test('invalid parts of a contact are left out', async () => {
  const { ticketId, id } = await ticket();
  const contact = { role: 'reporterContact', emailAddress: 'ann@customers.example', timeZone: 'Mars\0', name: 'Ann' };
  server.change(ticketId, { relatedContactInformation: [{ ...contact, preferredLanguage: 'de\0' }] });
  const stored = () => stack.client.detailsOf([id]).then((found) => found.get(id)?.contact);
  await until('the address', async () => (await stored())?.emailAddress === contact.emailAddress);
  expect((await stored())?.timeZone).toBeUndefined();
  expect(await stack.sql(`select from events where report_id = $1 and type = 'report.changed'`, [id])).toHaveLength(1);
  expect((await stack.client.systems.states())[0]).toMatchObject({ failingSince: null });
});

test('hints about many tickets do not hide for long that the system fails', async () => {
  const known = await Promise.all(Array.from({ length: 6 }, () => ticket()));
  const ids = known.map(({ ticketId }) => ticketId);
  proxy.fault = () => ({ instead: { status: 503 } });
  await stack.client.systems.hint('desk', ids);
  await until('it to fail', async () => (await stack.client.systems.states())[0]?.failingSince !== null);
  expect(proxy.passed.filter(({ path }) => isAbout(ids, path)).length).toBeLessThanOrEqual(3);
  proxy.reset();
  await until('it to be fine', async () => (await stack.client.systems.states())[0]?.failingSince === null);
});

test('attributes that are removed there are removed here, and the change is one event', async () => {
  const { ticketId, id } = await ticket();
  server.change(ticketId, { relatedParty: undefined, relatedContactInformation: undefined });
  await until('the customer to be removed', async () => (await stack.client.get(id)).customerId === undefined);
  server.change(ticketId, { name: 'Renamed' });
  await until('the name', async () => (await stack.client.get(id)).name === 'Renamed');
  await stack.client.systems.hint('desk', [ticketId]);
  await until('the hint to be done', async () => (await stack.sql('select from system_hints')).length === 0);
  const events = await stack.sql(`select from events where report_id = $1 and type = 'report.changed'`, [id]);
  expect(events).toHaveLength(2);
  expect((await stack.client.detailsOf([id])).get(id)?.contact).toBeUndefined();
});

/** A report whose reopening the system refuses, as long as it refuses every change. */
async function refusedReopening(): Promise<{ ticketId: string; id: string }> {
  const { ticketId, id } = await ticket();
  server.set(ticketId, 'resolved');
  await stack.untilSurvey(id, 'sent');
  proxy.fault = ({ method }) => (method === 'PATCH' ? { instead: { status: 422 } } : undefined);
  await stack.signal(id, 'reopened');
  expect((await stack.untilPhase(id, 'needsAttention')).attention).toMatchObject({ code: 'SystemRefused' });
  return { ticketId, id };
}

test('a reopening that the system refuses is made when an operator says so', async () => {
  const { ticketId, id } = await refusedReopening();
  proxy.reset();
  await stack.closeout('retry', id);
  await untilTicket(ticketId, 'inProgress');
  await stack.untilPhase(id, 'open', 2);
});

test('a reopening that stays refused leaves a closed report behind once it is closed by hand', async () => {
  const { id } = await refusedReopening();
  await stack.closeout('close-by-hand', id, '--note', 'stays closed');
  await until('the run to end', async () => (await stack.client.status(id)).phase === 'done');
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 2 });
});

test('a ticket whose usual report id is taken has a report of its own', async () => {
  const last = (await ticket()).ticketId;
  const next = `TT ${Number(last.slice('TT '.length)) + 1}`;
  const taken = await stack.open(reportIdOfTicket('desk', next));
  const { ticketId, id } = await ticket();
  expect(ticketId).toBe(next);
  expect(id).not.toBe(taken);
  server.set(ticketId, 'resolved');
  await untilTicket(ticketId, 'closed');
  await stack.untilSurvey(id, 'sent');
  expect((await stack.client.get(taken)).status).toBe('acknowledged');
});
