import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Forecast } from '../../src/incident-log/rehearse.js';
import type { ReplaySummary } from '../../src/incident-log/replay.js';
import { cyclesIn } from '../stack/incidents.js';
import { Stack } from '../stack/stack.js';

const real = resolve('../shared/data/incidents.csv');
let stack: Stack;
beforeAll(async () => {
  const policy = `rules:
  - { when: { ticketType: confirmed }, confirmation: { window: 1h } }
  - { when: { ticketType: stable }, holdDown: 3650d }
`;
  stack = await Stack.start({ policy });
});
afterAll(() => stack.end());

async function replay(file: string): Promise<ReplaySummary> {
  const { code, stdout, stderr } = await stack.closeout('replay', file, '--json');
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as ReplaySummary;
}

/** What the rehearsal of the same file foretells is what really happened. */
async function expectForecast(file: string, { cycles, closed, surveys }: ReplaySummary): Promise<void> {
  const { code, stdout } = await stack.closeout('rehearse', file, '--at-once', '--json');
  expect(code).toBe(0);
  const { current } = JSON.parse(stdout) as { current: Forecast };
  expect(current).toMatchObject({ closed, sent: surveys.sent, skipped: surveys.skipped });
  const last = new Map(current.cycles.map(({ report, cycle }) => [report, cycle]));
  const counted: Record<string, number> = {};
  for (const cycle of last.values()) counted[cycle] = (counted[cycle] ?? 0) + 1;
  expect(counted).toEqual(cycles);
}

async function expectCycles(file: string): Promise<void> {
  for (const [id, cycle] of Object.entries(cyclesIn(file))) {
    expect({ id, cycle: (await stack.client.get(id)).cycle }).toEqual({ id, cycle });
  }
}

test('the history in examples ends with every report closed or cancelled, in its own cycle; again, it changes nothing', async () => {
  const file = resolve('examples/history.csv');
  const first = await replay(file);
  expect(first).toMatchObject({ reports: 25, opened: 25, cleared: 28, reopened: 5, cancelled: 2, closed: 23 });
  const asked = first.surveys.sent + Object.values(first.surveys.skipped).reduce((sum, n) => sum + n, 0);
  expect(asked).toBe(first.cleared + first.cancelled);
  await expectForecast(file, first);
  await expectCycles(file);
  const mails = (await stack.mails()).length;
  expect(mails).toBe(first.surveys.sent);
  expect(await replay(file)).toMatchObject({
    opened: 0,
    cleared: 0,
    reopened: 0,
    cancelled: 0,
    closed: 23,
    clearedToClosedMs: null,
  });
  expect(await stack.mails()).toHaveLength(mails);
});

test.each([
  ['a customer has to confirm', 'confirmed'],
  ['a hold-down delays', 'stable'],
])('a closing that %s is not waited for', async (_, category) => {
  const id = `${category}-1`;
  const file = join(stack.dataDir, `${category}.csv`);
  const header = 'number,incident_state,caller_id,opened_at,sys_updated_at,problem_id,impact,category';
  const row = (state: string, minute: string) =>
    `${id},${state},Customer 1,02-03-2026 08:00,02-03-2026 08:${minute},?,1 - High,${category}`;
  await writeFile(file, [header, row('New', '00'), row('Resolved', '06'), row('Active', '07')].join('\n'));
  expect(await replay(file)).toMatchObject({ cleared: 1, reopened: 1, closed: 0, awaited: 1 });
  await stack.untilPhase(id, 'open');
});

test('the time to close is counted from the receipt of the change, and shown in human units', async () => {
  await stack.open('BACKDATED-1');
  await stack.signal('BACKDATED-1', 'cleared', { at: '2020-01-01T00:00:00Z' });
  await stack.untilSurvey('BACKDATED-1', 'sent');
  const days = await stack.client.overview.counts.closingTimes(2);
  expect(days.reduce((sum, { closed }) => sum + closed, 0)).toBe(24);
  const aDay = 24 * 60 * 60; // what was cleared in the recorded history is years old
  for (const { p50, p95 } of days) expect([0 < p50, p50 <= p95, p95 < aDay]).toEqual([true, true, true]);
  const page = await (await fetch(stack.url('/'))).text();
  expect(page).toMatch(/<td>\d+<\/td><td>[\d.]+ (ms|s|min)<\/td><td>[\d.]+ (ms|s|min)<\/td>/);
  const plot = await (await fetch(stack.url('/plots/closing.svg'))).text();
  expect(plot).toMatch(/>\d[\d.]* (ms|s|min)</);
});

(existsSync(real) ? test : test.skip)(
  'the real log of 445 incidents ends with 445 closed reports; again, it changes nothing',
  async () => {
    const first = await replay(real);
    expect(first).toMatchObject({
      reports: 445,
      opened: 445,
      cleared: 451,
      reopened: 6,
      closed: 445,
      cycles: { 1: 440, 2: 4, 3: 1 },
    });
    await expectForecast(real, first);
    await expectCycles(real);
    expect(await replay(real)).toMatchObject({ opened: 0, cleared: 0, reopened: 0, closed: 445 });
  },
);

test.each([
  ['a column that is missing', 'number,incident_state\nA1,New\n', 'row 2: column caller_id is missing or empty'],
  [
    'a time of another form',
    'number,incident_state,caller_id,opened_at,sys_updated_at,problem_id,impact,category\nA1,New,C,yesterday,1,?,1,x\n',
    'row 2: opened_at must be a time as dd-mm-yyyy hh:mm, not "yesterday"',
  ],
])('%s is refused with a message before anything is opened', async (_, content, message) => {
  const file = join(stack.dataDir, 'bad.csv');
  await writeFile(file, content);
  const { code, stderr } = await stack.closeout('replay', file);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
