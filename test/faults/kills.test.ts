import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workflowIdOf } from '../../src/contract/ids.js';
import { cleanEnv, cli, freePorts } from '../stack/commands.js';
import { brokenInvariants } from '../stack/invariants.js';
import { lookUp } from '../stack/look-up.js';
import { openSession } from '../stack/session.js';
import { readinessOf } from '../stack/readiness.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/** Reports that a kill finds in each phase: hold-down and survey delay are long enough to be hit. */
const policy = `
rules:
  - when: { ticketType: slow }
    holdDown: 3s
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, warnBefore: null, businessHours: null }
  - when: { ticketType: delayed }
    survey: { delay: 3s }
`;
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy });
});
afterAll(() => stack.end());

test.each(['worker', 'Temporal', 'PostgreSQL', 'everything'] as const)(
  'kill -9 of %s in every phase: every report closes once and asks once',
  async (part) => {
    const prefix = part.slice(0, 4).toUpperCase();
    const waiting = await stack.open(`${prefix}-OPEN`);
    const slow = await stack.open(`${prefix}-CLEARING`, { ticketType: 'slow' });
    const delayed = await stack.open(`${prefix}-DELAYED`, { ticketType: 'delayed' });
    const asked = await stack.open(`${prefix}-ASKED`);
    const confirming = await stack.open(`${prefix}-CONFIRMING`, { ticketType: 'confirmed' });
    const closing = await Promise.all(Array.from({ length: 8 }, (_, n) => stack.open(`${prefix}-CLOSING-${n}`)));
    for (const id of [delayed, asked, confirming]) await stack.signal(id, 'cleared');
    await stack.untilSurvey(asked, 'sent');
    await stack.untilPhase(delayed, 'surveying');
    await stack.untilAsked(confirming);
    await stack.signal(slow, 'cleared');
    await stack.untilStatus(slow, 'cleared', ({ phase }) => phase !== 'open');
    await Promise.all(closing.map((id) => stack.client.clear(id)));
    await stack.kill(part);
    if (part === 'everything') await stack.up();
    else await until(`${part} to be started again`, () => stack.log.includes(`${part}: ended with SIGKILL`));

    await until('the open report to be cleared', async () => (await stack.signal(waiting, 'cleared')) !== undefined);
    const { id: surveyId, confirmFor: clearedAt } = await until('the database', () =>
      stack.client.surveys.ofCycle(confirming, 1),
    );
    await stack.client.surveys.confirm(surveyId, { fixed: true, clearedAt: clearedAt as Date });
    for (const id of [waiting, slow, delayed, asked, confirming, ...closing]) {
      await stack.untilSurvey(id, 'sent');
      const report = await stack.client.get(id);
      expect(report).toMatchObject({ id, status: 'closed', cycle: 1 });
      const { history } = (await stack.client.detailsOf([id])).get(id) ?? { history: [] };
      expect(history.filter(({ status }) => status === 'closed')).toHaveLength(1);
      const ids = (await stack.mails(id)).map(({ messageId }) => messageId);
      expect(new Set(ids).size).toBe(1);
    }
  },
);

test('a database that refuses the local step of a closing is waited for', async () => {
  const id = await stack.open('LOCAL-2', { ticketType: 'slow' });
  await lookUp(stack, id); // which policy applies is known
  const run = () => stack.temporal.workflow.getHandle(workflowIdOf(id)).describe();
  const { runId } = await run();
  const other = await openSession(stack);
  await other.query('begin; lock table status_changes in access exclusive mode');
  await stack.signal(id, 'cleared');
  await untilLocalStepFails(id);
  await other.query('rollback');
  await other.end();
  await stack.untilSurvey(id, 'sent');
  // A run that failed would have been replaced by the sweep.
  expect((await run()).runId).toBe(runId);
});

const untilLocalStepFails = (id: string) =>
  until('the local step to fail', async () =>
    (await stack.history(id)).events?.some(({ markerRecordedEventAttributes: marker }) => marker?.failure),
  );

test('a database that refuses the local step of an answer is waited for', async () => {
  const id = 'LOCAL-1';
  await stack.ask(id);
  const survey = await stack.client.surveys.ofCycle(id, 1);
  const run = () => stack.temporal.workflow.getHandle(workflowIdOf(id)).describe();
  const { runId } = await run();
  const other = await openSession(stack);
  const worker = stack.pids()['worker'] ?? NaN;
  process.kill(worker, 'SIGSTOP');
  await stack.client.surveys.answer(survey?.id ?? '', { score: 5 });
  await other.query('begin; lock table answers in access exclusive mode');
  process.kill(worker, 'SIGCONT');
  await untilLocalStepFails(id);
  await other.query('rollback');
  await other.end();
  await stack.untilPhase(id, 'done');
  // A run that failed would have been replaced by the sweep.
  expect((await run()).runId).toBe(runId);
});

test('a gateway that is signalled twice, as by npm and a terminal, still answers the request that is open', async () => {
  const gateway = await stack.secondGateway({});
  const { stdout: token } = await stack.closeout('tokens', 'create', 'reader', '--scope', 'read');
  const other = await openSession(stack);
  await other.query('begin; lock table reports in access exclusive mode');
  const answer = fetch(gateway.moved(stack.url('/tmf-api/troubleTicket/v4/troubleTicket?limit=1')), {
    headers: { authorization: `Bearer ${token.trim()}` },
  });
  await until('the request to wait', async () => {
    const waiting = await stack.sql(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%reports%'`,
    );
    return waiting.length > 0;
  });
  gateway.kill('SIGTERM');
  gateway.kill('SIGTERM');
  await other.query('rollback');
  await other.end();
  expect([200, 503]).toContain((await answer).status); // 503 if the lock was held for three seconds
  await gateway.end();
});

test.each(['worker', 'gateway', 'start'])(
  '%s that is stopped while it waits for the database ends at once',
  async (part) => {
    const [port = 0, metrics = 0, ...others] = await freePorts(7);
    const folder = await mkdtemp(join(tmpdir(), 'closeout-test-'));
    let isAsked = false;
    const silent = createServer(() => {
      isAsked = true;
    }).listen(port, '127.0.0.1');
    const own: Record<string, string> = { CLOSEOUT_DATA: folder };
    for (const name of ['PORT', 'METRICS_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'SMTP_PORT'])
      own[`CLOSEOUT_${name}`] = `${others.pop()}`;
    const env = {
      ...cleanEnv(),
      ...(part === 'start' ? own : stack.env),
      CLOSEOUT_WORKER_METRICS: `127.0.0.1:${metrics}`,
      DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none`,
    };
    const child = spawn(process.execPath, [cli, part], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    await until('it to wait', () => isAsked);
    child.kill('SIGTERM');
    await until('it to end', () => child.exitCode !== null);
    expect(said).toMatch(/stopped before/i);
    expect(child.exitCode).toBe(0);
    silent.close();
    await rm(folder, { recursive: true });
  },
);

test('a worker that hangs is noticed within a minute, and so is that it goes on', async () => {
  const worker = stack.pids()['worker'] ?? NaN;
  process.kill(worker, 'SIGSTOP');
  try {
    await until('it to be noticed', async () => (await readinessOf(stack)).worker === 'no worker is running', 60_000);
  } finally {
    process.kill(worker, 'SIGCONT');
  }
  await until('its return to be noticed', async () => (await readinessOf(stack)).worker === 'ok');
});

test('Ctrl-C and a new start: what was waiting goes on where it was', async () => {
  const id = await stack.open('NIGHT-1');
  await stack.signal(id, 'cleared');
  await stack.untilSurvey(id, 'sent');
  await stack.down();
  // As a start that was killed leaves it: nothing is taken from there.
  await writeFile(join(stack.dataDir, 'stack.json'), JSON.stringify({ CLOSEOUT_BRANDS: '/nowhere' }));
  await stack.up();
  expect(await stack.client.status(id)).toMatchObject({ phase: 'surveying', survey: { state: 'sent' } });
  await stack.signal(id, 'reopened');
  await stack.untilPhase(id, 'open', 2);
});

test('no report, mail or answer was lost or duplicated', async () => {
  expect(await brokenInvariants(stack)).toEqual([]);
});
