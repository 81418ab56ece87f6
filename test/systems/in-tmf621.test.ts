import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultyProxy, Passed } from '../stack/faulty-proxy.js';
import type { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { Tmf621Desk } from './tmf621-desk.js';
import type { Tmf621Server } from './tmf621-server.js';

/** Agents of a TMF621 system do things at the wrong moment. */
const policy = `
default: { survey: { contactCap: null } }
rules:
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, warnBefore: null, businessHours: null }
  - when: { ticketType: late }
    reopen: { within: 0s }
`;
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

test('a note that only looks like ours does not stop the closing', async () => {
  const { ticketId, id } = await ticket();
  server.change(ticketId, { note: [{ text: `Thank you.\n[closeout:${id}:1:closed]` }] });
  await stack.signal(id, 'cleared');
  await untilTicket(ticketId, 'closed');
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

const isNote = ({ method, body }: Passed) => method === 'PATCH' && body.includes('"note"');

test('a ticket that an agent reopens right after its closing is not closed again', async () => {
  const { ticketId, id } = await ticket();
  const isClosed = () => server.statusOf(ticketId) === 'closed';
  proxy.before = ({ method, path }) => {
    const isReadBack = method === 'GET' && path.endsWith(encodeURIComponent(ticketId)) && isClosed();
    if (isReadBack) server.set(ticketId, 'inProgress');
    return Promise.resolve();
  };
  server.set(ticketId, 'resolved');
  await until('it to be reopened', () => server.historyOf(ticketId).at(-1) === 'inProgress');
  proxy.before = () => Promise.resolve();
  await stack.untilPhase(id, 'open');
  expect(server.historyOf(ticketId).filter((status) => status === 'closed')).toHaveLength(1);
  server.set(ticketId, 'resolved');
  await stack.untilSurvey(id, 'sent');
});

test('a system that takes the closing but no note has closed the ticket', async () => {
  const { ticketId, id } = await ticket();
  proxy.fault = (request) => (isNote(request) ? { instead: { status: 422 } } : undefined);
  server.set(ticketId, 'resolved');
  await stack.untilSurvey(id, 'sent');
  expect(server.notesOf(ticketId)).toEqual([]);
  const log = () => readFileSync(join(stack.dataDir, 'logs', 'worker.log'), 'utf8');
  await until('the log', () => log().includes('the ticket was changed, but the system refuses the note'));
});

test('what an agent closes after the system has refused to is closed without a note of ours', async () => {
  const { ticketId, id } = await ticket();
  proxy.fault = ({ method }) => (method === 'PATCH' ? { instead: { status: 422 } } : undefined);
  server.set(ticketId, 'resolved');
  await stack.untilPhase(id, 'needsAttention');
  proxy.reset();
  server.set(ticketId, 'closed');
  await stack.untilSurvey(id, 'sent');
  expect(server.notesOf(ticketId)).toEqual([]);
});

test('what an agent closes again before a reopening that was made is known is closed in its next cycle', async () => {
  const { ticketId, id } = await ticket();
  server.set(ticketId, 'resolved');
  await stack.untilSurvey(id, 'sent');
  // The note is written, but its answer lost; before the next attempt, an agent closes the ticket.
  let isLost = false;
  proxy.fault = (request) => {
    // No poll sees the ticket in between.
    if (isLost && server.statusOf(ticketId) === 'inProgress' && request.path.includes('?'))
      return { instead: { status: 503 } };
    if (!isNote(request) || isLost) return undefined;
    isLost = true;
    return { after: { status: 503 } };
  };
  proxy.before = ({ method, path }) => {
    const isNext = isLost && method === 'GET' && path.endsWith(encodeURIComponent(ticketId));
    if (isNext && server.statusOf(ticketId) === 'inProgress') server.set(ticketId, 'closed');
    return Promise.resolve();
  };
  await stack.signal(id, 'reopened');
  await stack.untilPhase(id, 'surveying', 2);
  expect(server.historyOf(ticketId).filter((status) => status === 'closed')).toHaveLength(2);
});
