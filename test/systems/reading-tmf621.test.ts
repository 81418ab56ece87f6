/** What is read in a TMF621 system: tickets that are gone, broken or changed there, and a system that does not answer. */
import { reportIdOfTicket } from '../../src/systems/systems.js';
import type { FaultyProxy } from '../stack/faulty-proxy.js';
import type { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { Tmf621Desk } from './tmf621-desk.js';
import type { Tmf621Server } from './tmf621-server.js';

const policy = 'default: { survey: { contactCap: null } }';
let desk: Tmf621Desk;
let server: Tmf621Server;
let proxy: FaultyProxy;
let stack: Stack;

beforeAll(async () => {
  desk = await Tmf621Desk.start(policy);
  ({ server, proxy, stack } = desk);
});
beforeEach(() => proxy.reset());
afterAll(() => desk.end());

const ticket = (ticketType?: string) => desk.ticket(ticketType);
const untilTicket = (ticketId: string, status: string) => desk.untilTicket(ticketId, status);
test('a ticket that is not found once is not cancelled', async () => {
  const { ticketId, id } = await ticket();
  let times = 0;
  proxy.fault = ({ path }) =>
    path.endsWith(encodeURIComponent(ticketId)) && times++ === 0 ? { instead: { status: 404 } } : undefined;
  await stack.client.systems.hint('desk', [ticketId]);
  await until('it to be read', () => times > 0);
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

test('a ticket that had ended before it was first seen has no report', async () => {
  proxy.fault = () => ({ instead: { status: 503 } });
  const [ended, other] = ['ended', 'other'].map((name) => server.open({ name, description: name }));
  server.set(ended ?? '', 'closed');
  proxy.reset();
  await stack.untilPhase(reportIdOfTicket('desk', other ?? ''), 'open', 1);
  expect(await stack.sql('select from reports where ticket_id = $1', [ended])).toEqual([]);
  server.set(ended ?? '', 'inProgress');
  await stack.untilPhase(reportIdOfTicket('desk', ended ?? ''), 'open', 1);
});

test('what is read from the ticket cannot be changed here', async () => {
  const { id } = await ticket();
  const refused = { code: 'StatusConflict', message: expect.stringContaining('lives in desk') as string };
  await expect(stack.client.update(id, { severity: 'minor' })).rejects.toMatchObject({ ...refused, field: 'severity' });
  await expect(stack.client.update(id, { externalId: 'X' })).rejects.toMatchObject({ ...refused, field: 'externalId' });
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

test('invalid parts of a contact are left out, and spaces around an address', async () => {
  const { ticketId, id } = await ticket();
  const contact = { role: 'reporterContact', emailAddress: 'ann@customers.example', timeZone: 'Mars\0', name: 'Ann' };
  const typed = { ...contact, emailAddress: ' ann@customers.example ', preferredLanguage: 'de\0' };
  server.change(ticketId, { relatedContactInformation: [typed] });
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
  expect(proxy.passed.filter(({ path }) => isAbout(ids, path)).length).toBeLessThan(ids.length);
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

test('a worker that is stopped while the system does not answer ends, and does not record that the system fails', async () => {
  let release = () => {};
  const hangs = new Promise<void>((done) => (release = done));
  proxy.before = ({ method }) => (method === 'GET' ? hangs : Promise.resolve());
  const { worker = NaN } = stack.pids();
  proxy.passed.length = 0;
  await until('a request that hangs', () => proxy.passed.some(({ path }) => path.includes('troubleTicket?')));
  process.kill(worker, 'SIGTERM');
  await until('the worker to end', () => stack.pids()['worker'] !== worker);
  const states = await stack.sql('select failing_since, reason from systems');
  release();
  proxy.reset();
  expect(states).toEqual([{ failing_since: null, reason: null }]);
});
