import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSystem, type ConnectedSystem } from '../../src/systems/adapters.js';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { FaultyProxy } from '../stack/faulty-proxy.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { startRedmine, type LiveAgent } from './agents.js';
import { isInstalled, skipped } from './live.js';

/** The whole of Closeout with tickets that live in a real Redmine, between the two a proxy that can fail. */
let agent: LiveAgent;
let proxy: FaultyProxy;
let proxyUrl: string;
let redmine: ConnectedSystem;
let stack: Stack;

async function start(): Promise<void> {
  agent = await startRedmine();
  redmine = connectSystem('desk', agent.settings);
  proxy = new FaultyProxy(agent.settings.url);
  const { fields, only, token = '' } = agent.settings;
  const folder = await mkdtemp(join(tmpdir(), 'closeout-test-redmine-'));
  const path = join(folder, 'systems.yaml');
  proxyUrl = await proxy.listen();
  const system = { type: 'redmine', url: proxyUrl, token: { env: 'REDMINE_KEY' }, only, fields };
  await writeFile(path, JSON.stringify({ systems: { desk: { ...system, poll: '1s', rate: '100/s' } } }));
  const policy = `
default: { survey: { contactCap: null }, reopen: { within: 7d } }
rules:
  - when: { ticketType: Feature }
    confirmation: { window: 1h }
  - when: { ticketType: Support }
    reopen: { within: 0s }
`;
  stack = await Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: path, REDMINE_KEY: token } });
}

async function stop(): Promise<void> {
  await stack.end();
  await proxy.close();
  await agent.live.stop();
}

let count = 0;
const unique = () => `e2e-${process.pid}-${++count}`;

/** A ticket of a customer of its own, once Closeout knows it. */
async function ticket(): Promise<{ ticketId: string; id: string }> {
  const contact = { emailAddress: `ann-${count}@customers.example` };
  const opening = {
    name: 'No dial tone',
    description: 'Line 3',
    reference: unique(),
    customerId: `C-${count}`,
    contact,
  };
  const ticketId = await redmine.system.open(opening);
  const id = `desk-${ticketId}`;
  await until(`${id} to be seen`, () => stack.client.get(id).catch(() => false as const));
  return { ticketId, id };
}

const statusOf = async (ticketId: string) => (await redmine.system.read(ticketId))?.status;
const untilStatus = (ticketId: string, status: string) =>
  until(`${ticketId} to be ${status}`, async () => (await statusOf(ticketId)) === status);
const notesOf = async (ticketId: string) =>
  (await redmine.system.notes(ticketId)).filter((note) => note.includes('[closeout:'));

(isInstalled('redmine') ? describe : describe.skip)(isInstalled('redmine') ? 'in Redmine' : skipped('redmine'), () => {
  beforeAll(start);
  beforeEach(() => proxy.reset());
  afterAll(stop);

  test('a resolved ticket is closed there, its customer is asked, and the answer becomes a note', async () => {
    const { ticketId, id } = await ticket();
    expect(await stack.client.get(id)).toMatchObject({
      externalId: ticketId,
      name: expect.stringContaining('No dial tone') as string,
      status: 'inProgress',
    });
    await agent.setStatus(ticketId, 'Resolved');
    await untilStatus(ticketId, 'Closed');
    await stack.untilSurvey(id, 'sent');
    const [mail] = await stack.untilMails(id, 1);
    if (!mail) throw new Error('no mail');
    await post(linkIn(mail), { score: '2', 'ask-reasons': 'slow', comment: 'took a week' });
    const notes = await until('the answer', async () => {
      const found = await notesOf(ticketId);
      return found.length === 2 && found;
    });
    expect(notes[0]).toMatch(/^Closed by Closeout/);
    expect(notes[1]).toContain('2 of 5, It took too long.\ntook a week');
    await post(linkIn(mail), { score: '5' });
    await until('the changed answer', async () => (await notesOf(ticketId)).length === 3);
    expect(await stack.untilPhase(id, 'done')).toMatchObject({ outcome: 'closed', score: 5 });
    expect(await notesOf(ticketId)).toHaveLength(3);
  });

  test('"not solved" reopens the ticket there; resolved again, it is closed in its next cycle', async () => {
    const { ticketId, id } = await ticket();
    await agent.setStatus(ticketId, 'Resolved');
    await stack.untilSurvey(id, 'sent');
    const [mail] = await stack.untilMails(id, 1);
    if (mail) await post(linkIn(mail), { score: '1', solved: 'no', comment: 'still dead' });
    await untilStatus(ticketId, 'In Progress');
    await until('the note', async () =>
      (await notesOf(ticketId)).join().includes('The customer says that the problem is not fixed.'),
    );
    await agent.setStatus(ticketId, 'Resolved');
    await untilStatus(ticketId, 'Closed');
    expect((await stack.untilSurvey(id, 'sent')).cycle).toBe(2);
  });

  test('what agents do there is followed: reopened while it is held down, closed by hand, rejected, deleted', async () => {
    // Not the last one: this Redmine's database gives its id to the next.
    const [deleted, reopened, closed, rejected] = [await ticket(), await ticket(), await ticket(), await ticket()];
    await agent.setStatus(closed.ticketId, 'Closed');
    await agent.setStatus(rejected.ticketId, 'Rejected');
    await agent.remove?.(deleted.ticketId);
    await stack.client.systems.hint('desk', [deleted.ticketId]);
    await agent.setStatus(reopened.ticketId, 'Resolved');
    await untilStatus(reopened.ticketId, 'Closed');
    await agent.setStatus(reopened.ticketId, 'In Progress');
    await stack.untilPhase(reopened.id, 'open', 2);
    await stack.untilSurvey(closed.id, 'sent');
    for (const { id } of [rejected, deleted])
      expect(await stack.untilPhase(id, 'done')).toMatchObject({ outcome: 'cancelled' });
  });

  test('while Redmine is down nothing is lost: the closing waits, and happens once', async () => {
    const { ticketId, id } = await ticket();
    await agent.setStatus(ticketId, 'Resolved');
    proxy.fault = ({ method }) => (method === 'PUT' ? { after: 'drop' } : undefined);
    await until('an attempt', () => proxy.passed.some(({ method }) => method === 'PUT'));
    proxy.fault = () => ({ instead: { status: 503 } });
    expect((await stack.client.status(id)).phase).not.toBe('surveying');
    await until('a failed poll', async () => (await stack.closeout('systems', 'list')).stdout.includes('failing for'));
    proxy.fault = () => undefined;
    await stack.untilSurvey(id, 'sent');
    expect(await statusOf(ticketId)).toBe('Closed');
    expect(await notesOf(ticketId)).toHaveLength(1);
    expect(await stack.untilMails(id, 1)).toHaveLength(1);
  });

  test('a refused closing needs attention, and is tried again when an operator says so', async () => {
    const { ticketId, id } = await ticket();
    proxy.fault = ({ method, body }) =>
      method === 'PUT' && body.includes('status_id') ? { instead: { status: 204 } } : undefined;
    await agent.setStatus(ticketId, 'Resolved');
    const status = await stack.untilPhase(id, 'needsAttention');
    expect(status.attention).toMatchObject({ code: 'SystemRefused' });
    expect(status.attention?.failure).toContain('was asked to become Closed and is Resolved');
    proxy.fault = () => undefined;
    await stack.closeout('retry', id);
    await untilStatus(ticketId, 'Closed');
    await stack.untilSurvey(id, 'sent');
  });

  test('a note that would be public is not written', async () => {
    const { ticketId } = await ticket();
    const isRole = ({ path }: { path: string }) => path.startsWith('/roles/');
    const role = { role: { id: 1, name: 'Agent', permissions: ['edit_issues', 'add_issue_notes'] } };
    const body = JSON.stringify(role);
    const headers = { 'content-type': 'application/json' };
    proxy.fault = (request) => (isRole(request) ? { instead: { status: 200, headers, body } } : undefined);
    const { system } = connectSystem('desk', { ...agent.settings, url: proxyUrl });
    expect((await system.check()).join()).toContain('Notes would be public in the project Support');
    const before = await redmine.system.notes(ticketId);
    await expect(system.addNote(ticketId, 'What the customer said')).rejects.toMatchObject({
      code: 'SystemMisconfigured',
    });
    expect(await redmine.system.notes(ticketId)).toEqual(before);
    proxy.reset();
    await system.addNote(ticketId, 'What the customer said');
    expect((await redmine.system.notes(ticketId)).length).toBe(before.length + 1);
  });

  test('closeout systems check says what is wrong', async () => {
    expect((await stack.closeout('systems', 'check')).stdout).toBe('desk: no problems found.\n');
    proxy.fault = () => ({ instead: { status: 401 } });
    const { code, stdout } = await stack.closeout('systems', 'check', 'desk');
    expect([code, stdout]).toEqual([1, expect.stringContaining('SystemMisconfigured')]);
  });
});
