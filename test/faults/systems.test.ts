import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { statusOfState } from '../../src/policy/status.js';
import { stateOfWord } from '../../src/systems/words.js';
import { connectSystem, type ConnectedSystem } from '../../src/systems/adapters.js';
import { reportIdOfTicket } from '../../src/systems/systems.js';
import { brokenInvariants } from '../stack/invariants.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';
import { startHelpdesk, startRedmine, startRequestTracker, type LiveAgent } from '../systems/agents.js';
import { isInstalled, skipped } from '../systems/live.js';

/** How many; CLOSEOUT_CLOSINGS=500 npx jest test/faults/systems takes half an hour. */
const closings = Number(process.env['CLOSEOUT_CLOSINGS'] ?? 10);
const patienceMs = 60_000 + closings * 3_000;

const systems: [string, () => Promise<LiveAgent>][] = [
  ['redmine', startRedmine],
  ['django-helpdesk', () => startHelpdesk()],
  ['request-tracker', startRequestTracker],
];
for (const [name, start] of systems)
  if (isInstalled(name)) describe(`${name}, killed and stopped again and again`, () => survives(name, start));
  else test.skip(skipped(name), () => undefined);

function survives(name: string, start: () => Promise<LiveAgent>): void {
  let agent: LiveAgent;
  let desk: ConnectedSystem;
  let stack: Stack;
  beforeAll(async () => {
    agent = await start();
    desk = connectSystem('desk', agent.settings);
    const { type, url, only, fields, token = '' } = agent.settings;
    const path = join(await mkdtemp(join(tmpdir(), 'closeout-test-systems-')), 'systems.yaml');
    const settings = { type, url, only, fields, token: { env: 'DESK_TOKEN' }, poll: '1s', rate: '100/s' };
    await writeFile(path, JSON.stringify({ systems: { desk: settings } }));
    const policy = 'default: { survey: { contactCap: null } }';
    stack = await Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: path, DESK_TOKEN: token } });
  });
  afterAll(async () => {
    await stack.end();
    await agent.stop?.();
  });

  /** Whatever fails while the system is down is done again. */
  const insist = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    until(what, async () => ({ done: await work() }), patienceMs).then(({ done }) => done);
  const open = (n: number) =>
    desk.system.open({
      name: `No dial tone ${n}`,
      description: 'Line 3',
      reference: `faults-${name}-${n}`,
      contact: { emailAddress: `ann-${n}@customers.example` },
    });

  const report = (id: string) => reportIdOfTicket('desk', id);
  async function untilSeen(ids: string[]): Promise<void> {
    for (const id of ids)
      await until(`${id} to be seen`, () => stack.client.get(report(id)).catch(() => false as const), patienceMs);
  }

  async function asked(): Promise<number> {
    const [row] = await stack.sql<{ count: string }>(`select count(*) from surveys where state = 'sent'`);
    return Number(row?.count);
  }

  async function trouble(stop: AbortSignal): Promise<void> {
    for (let round = 0; !stop.aborted; round++) {
      await pause(3_000);
      if (round % 3 === 0) {
        agent.live.kill('SIGKILL');
        await pause(1_000);
        await agent.live.restart();
      } else if (round % 3 === 1) {
        agent.live.kill('SIGSTOP');
        await pause(3_000);
        agent.live.kill('SIGCONT');
      } else await stack.kill('worker');
    }
  }

  test(
    'every ticket is closed once by its own history, with one note, and every customer is asked once',
    async () => {
      const ids: string[] = [];
      for (let n = 0; n < closings; n++) ids.push(await open(n));
      await untilSeen(ids);
      const stop = new AbortController();
      const troubled = trouble(stop.signal);
      for (const id of ids)
        await insist(`${id} to be resolved`, () => agent.setStatus(id, desk.words.cleared[0] ?? ''));
      await until('most to be asked', async () => (await asked()) >= 0.9 * closings, patienceMs);
      stop.abort();
      await troubled;
      await until('all to be asked', async () => (await asked()) === closings, patienceMs);
      for (const id of ids) {
        const notes = await insist('its notes', () => desk.system.notes(id));
        expect({
          id,
          closed: await agent.timesClosed(id),
          notes: notes.filter((note) => note.includes('[closeout:')).length,
          report: (await stack.client.get(report(id))).status,
        }).toEqual({ id, closed: 1, notes: 1, report: 'closed' });
        const mails = await stack.mails(report(id));
        expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
      }
    },
    4 * patienceMs,
  );

  test(
    'changes whose events are all lost are found',
    async () => {
      const ids: string[] = [];
      for (let n = 0; n < closings / 2; n++) ids.push(await insist('a ticket', () => open(closings + n)));
      await untilSeen(ids);
      const words = [desk.words.reopened, desk.words.cancelled[0] ?? ''];
      for (let round = 0; round < 4; round++)
        for (const [n, id] of ids.entries()) await agent.setStatus(id, words[(n + round) % words.length] ?? '');
      for (const id of ids) {
        const ticket = await desk.system.read(id);
        const status = statusOfState[stateOfWord(ticket?.status ?? '', desk.words)];
        await until(`${id} to be ${status}`, async () => (await stack.client.get(report(id))).status === status);
      }
    },
    2 * patienceMs,
  );

  test('no report, mail or answer was lost or duplicated', async () => {
    expect(await brokenInvariants(stack)).toEqual([]);
  });
}
