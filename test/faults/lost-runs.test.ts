/** Workflows that are terminated, cancelled, reset or lost, and databases that are restored: every report continues. */
import { setTimeout as pause } from 'node:timers/promises';
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { workflowIdOf } from '../../src/contract/ids.js';
import { taskQueue, workflowType, type SweepResult } from '../../src/contract/messages.js';
import { post } from '../stack/http.js';
import { linkIn, type SeenMail } from '../stack/mail.js';
import { brokenInvariants } from '../stack/invariants.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = `
rules:
  - when: { ticketType: flapping }
    holdDown: 10s
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, businessHours: null }
  - when: { ticketType: delayed }
    survey: { delay: 10s }
  - when: { ticketType: brief }
    survey: { expiresAfter: 60s, reminderAfter: 15s }
default:
  survey: { contactCap: null }
`;

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: noSweep });
});
afterAll(() => stack.end());

const sweep = async (): Promise<SweepResult> =>
  JSON.parse((await stack.closeout('watch', '--json')).stdout) as SweepResult;
const handle = (id: string) => stack.temporal.workflow.getHandle(workflowIdOf(id));
const terminate = (id: string) => handle(id).terminate('lost');

/** Until the index shows it: the sweep finds lost runs there. */
const untilLost = (...ids: string[]) =>
  until('the index to show the lost runs', async () => {
    const found = ids.map((id) => `WorkflowId="${workflowIdOf(id)}"`).join(' OR ');
    const { count } = await stack.temporal.workflow.count(`ExecutionStatus="Terminated" AND (${found})`);
    return count >= ids.length;
  });

const surveyMails = async (id: string) =>
  (await stack.mails(id)).filter(
    ({ raw }) => raw.includes(`To: ${id.toLowerCase()}@`) || raw.includes(`<${id.toLowerCase()}@`),
  );

test('a terminated workflow continues in every phase, and nobody is mailed twice', async () => {
  const phases = {
    open: 'fault',
    clearing: 'flapping',
    confirming: 'confirmed',
    delay: 'delayed',
    sent: 'fault',
    held: 'fault',
  };
  const ids = Object.entries(phases).map(([phase, ticketType]) => [`LOST-${phase}`, ticketType] as const);
  for (const [id, ticketType] of ids) await stack.open(id, { ticketType });
  await stack.client.operate('hold', 'LOST-held', { by: 'eve', note: 'a test' });
  for (const [id] of ids) if (id !== 'LOST-open') await handle(id).signal('cleared');
  await stack.untilPhase('LOST-clearing', 'clearing');
  await stack.untilAsked('LOST-confirming');
  await stack.untilPostponed('LOST-delay');
  await stack.untilSurvey('LOST-sent', 'sent');
  await stack.untilHeld('LOST-held');
  for (const [id] of ids) await terminate(id);
  await untilLost(...ids.map(([id]) => id));
  expect(await stack.client.status('LOST-held')).toMatchObject({ run: 'ended', held: true, hold: { by: 'eve' } });

  expect((await sweep()).notified.lost).toBe(ids.length);
  expect((await sweep()).notified).toEqual({});
  await stack.untilSurvey('LOST-clearing', 'sent');
  await stack.untilSurvey('LOST-delay', 'sent');
  expect(await stack.client.status('LOST-open')).toMatchObject({ phase: 'open', run: 'running' });
  expect(await stack.client.status('LOST-held')).toMatchObject({ phase: 'clearing', held: true, hold: { by: 'eve' } });
  await stack.client.operate('release', 'LOST-held', { by: 'eve' });
  await stack.untilSurvey('LOST-held', 'sent');
  await stack.untilAsked('LOST-confirming');
  await stack.client.operate('release', 'LOST-confirming', { by: 'eve' });
  await stack.untilSurvey('LOST-confirming', 'sent');
  const [mail] = await stack.mails('LOST-sent');
  await post(linkIn(mail as SeenMail, 5), { score: '5' });
  await stack.untilPhase('LOST-sent', 'done');
  for (const [id] of ids) expect([id, (await surveyMails(id)).length]).toEqual([id, id === 'LOST-open' ? 0 : 1]);
});

test('signals that a lost workflow had not acted on are handed to its successor, in their order', async () => {
  const id = await stack.open('TOLD-1');
  await stack.untilPhase(id, 'open', 1);
  for (let n = 0; n < 3; n++) await handle(id).signal('lookAgain'); // are none of them
  await stack.client.operate('hold', id, { by: 'eve' });
  await stack.client.operate('release', id, { by: 'eve' });
  const worker = stack.pids()['worker'] ?? NaN;
  process.kill(worker, 'SIGSTOP');
  await handle(id).signal('cleared', null);
  await stack.signal(id, 'reopened');
  await stack.signal(id, 'cleared');
  await terminate(id);
  process.kill(worker, 'SIGCONT');
  await untilLost(id);
  await sweep();
  await stack.untilSurvey(id, 'sent');
  // The task of the first signal may have been on its way to the worker, which then closes the first cycle, too.
  const closings = await stack.sql(`select from status_changes where report_id = $1 and status = 'closed'`, [id]);
  const mails = await surveyMails(id);
  expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(mails.length);
  expect(mails.length).toBeLessThanOrEqual(closings.length);
  expect(mails.at(-1)?.messageId).toContain((await stack.client.surveys.ofCycle(id, closings.length))?.id);
});

test('what a lost workflow had carried from the one before it is handed on, too', async () => {
  const id = await stack.open('CARRIED-1');
  await stack.untilPhase(id, 'open', 1);
  const worker = stack.pids()['worker'] ?? NaN;
  process.kill(worker, 'SIGSTOP');
  await terminate(id);
  const cleared = { kind: 'cleared', source: 'monitor', by: 'monitor', receivedAt: new Date().toISOString() };
  const options = {
    workflowId: workflowIdOf(id),
    taskQueue,
    args: [{ reportId: id, carried: { v: 1, changes: [cleared] } }],
  };
  await stack.temporal.workflow.start(workflowType, options);
  await terminate(id);
  process.kill(worker, 'SIGCONT');
  await untilLost(id, id);
  await sweep();
  await stack.untilSurvey(id, 'sent');
});

test('a cancel request through Temporal is shown, and does not end the report', async () => {
  const id = await stack.open('CANCEL-1');
  await handle(id).cancel();
  await stack.signal(id, 'cleared');
  await stack.untilSurvey(id, 'sent');
  expect(await stack.client.status(id)).toMatchObject({ run: 'running', phase: 'surveying' });
});

test('operators can still act after a cancel request', async () => {
  const id = await stack.open('CANCEL-2');
  await handle(id).cancel();
  expect(await stack.client.operate('hold', id, { by: 'eve' })).toMatchObject({ held: true });
  expect(await stack.client.operate('release', id, { by: 'eve' })).toMatchObject({ held: false });
});

test('a reset to the first task changes nothing that was decided', async () => {
  const id = await stack.open('RESET-1');
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const options = ['--type', 'FirstWorkflowTask', '--reason', 'test'];
  await stack.temporalCli('workflow', 'reset', '-w', workflowIdOf(id), ...options);
  await until('the reset run to look the report up', async () => {
    const [row] = await stack.sql<{ run_id: string }>('select run_id from reports where id = $1', [id]);
    return row?.run_id === (await handle(id).describe()).runId;
  });
  await stack.untilPhase(id, 'surveying', 1);
  await sweep();
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
  expect(await surveyMails(id)).toHaveLength(1);
  await stack.client.reopen(id);
  await stack.untilPhase(id, 'open', 2);
});

test('Temporal is lost with everything: all reports continue, and nobody is mailed twice', async () => {
  const own = await Stack.start({ policy, env: noSweep });
  try {
    const ids = ['GONE-open', 'GONE-clearing', 'GONE-sent', 'GONE-done', 'GONE-brief'];
    await own.open('GONE-open');
    await own.ask('GONE-sent');
    const done = await own.ask('GONE-done');
    await post(linkIn(done, 5), { score: '5' });
    await own.untilPhase('GONE-done', 'done');
    await own.ask('GONE-brief', { ticketType: 'brief' });
    await own.open('GONE-clearing', { ticketType: 'flapping' });
    await own.signal('GONE-clearing', 'cleared');
    await own.untilPhase('GONE-clearing', 'clearing');
    await own.closeout('watch');
    await own.down();
    for (const file of readdirSync(own.dataDir)) if (file.startsWith('temporal.db')) rmSync(join(own.dataDir, file));
    await own.up();
    const result = JSON.parse((await own.closeout('watch', '--json')).stdout) as SweepResult;
    expect(result.notified.restored).toBeGreaterThanOrEqual(4);
    await own.untilSurvey('GONE-clearing', 'sent');
    const isExpired = async () => (await own.client.status('GONE-brief')).survey.state === 'expired';
    await until('GONE-brief to expire', isExpired, 120_000);
    expect(await own.client.status('GONE-open')).toMatchObject({ phase: 'open', run: 'running' });
    const [mail] = await own.mails('GONE-sent');
    await post(linkIn(mail as SeenMail, 5), { score: '4' });
    await own.untilPhase('GONE-sent', 'done');
    const mails = await own.mails();
    const counts = ids.map((id) => mails.filter(({ subject = '' }) => subject.split(' ').includes(id)).length);
    expect(counts.slice(0, -1)).toEqual([0, 1, 1, 1]);
    expect([1, 2]).toContain(counts.at(-1)); // with its reminder, unless it expired while Temporal was away
    expect(await brokenInvariants(own)).toEqual([]);
  } finally {
    await own.end();
  }
}, 300_000);

/** Copies every table; returns how to put the copies back, all at once. */
async function backUp(own: Stack): Promise<() => Promise<void>> {
  const rows = await own.sql<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely%'",
  );
  const tables = rows.map(({ name }) => name);
  await own.sql('create schema backup');
  for (const table of tables) await own.sql(`create table backup.${table} as table public.${table}`);
  return async () => {
    const copies = tables.map((table) => `insert into ${table} overriding system value select * from backup.${table};`);
    await own.sql(
      `begin; set session_replication_role = replica; truncate ${tables.join()}; ${copies.join(' ')} commit`,
    );
  };
}

test('PostgreSQL is restored to an earlier time: one sweep leaves every report right, and no mail goes out twice', async () => {
  const env = { ...noSweep, CLOSEOUT_BRANDS: resolve('examples/brands') };
  const delayed = 'rules: [{ when: { ticketType: delayed }, survey: { delay: 20s } }]';
  const own = await Stack.start({ policy: `${delayed}\ndefault: { brand: acme, survey: { question: nps } }`, env });
  const askedBy = (id: string) =>
    own.sql(
      'select brand, q.name as question from surveys join questions q on q.id = question_id where report_id = $1',
      [id],
    );
  try {
    for (const id of ['BACK-closed', 'BACK-done', 'BACK-held', 'BACK-open', 'BACK-next']) await own.open(id);
    await own.open('BACK-written');
    await own.open('BACK-delayed', { ticketType: 'delayed' });
    await own.closeout('watch');
    const restore = await backUp(own);
    for (const id of ['BACK-closed', 'BACK-done', 'BACK-next', 'BACK-written']) {
      await own.client.clear(id);
      await own.untilSurvey(id, 'sent');
    }
    const [mail] = await own.mails('BACK-done');
    await post(linkIn(mail as SeenMail, 5), { score: '5' });
    await own.untilPhase('BACK-done', 'done');
    await own.client.reopen('BACK-next');
    await own.untilPhase('BACK-next', 'open', 2);
    await own.client.operate('hold', 'BACK-held', { by: 'eve' });
    await own.closeout('watch');
    await own.client.clear('BACK-delayed');
    await own.untilPostponed('BACK-delayed');
    await restore();
    await own.client.clear('BACK-held'); // before a sweep has found the restore
    await own.untilSurvey('BACK-delayed', 'sent');
    expect(await own.client.get('BACK-delayed')).toMatchObject({ status: 'closed', cycle: 1 });
    await own.sql("update reports set status = 'cancelled' where id = 'BACK-written'");

    const result = JSON.parse((await own.closeout('watch', '--json')).stdout) as SweepResult;
    expect(result.notified.restored).toBeGreaterThanOrEqual(5);
    const right = {
      'BACK-closed': ['closed', 1],
      'BACK-done': ['closed', 1],
      'BACK-next': ['inProgress', 2],
      'BACK-open': ['acknowledged', 1],
    };
    for (const [id, [status, cycle]] of Object.entries(right))
      await until(`${id} to be ${status}`, async () => {
        const report = await own.client.get(id);
        return report.status === status && report.cycle === cycle;
      });
    expect(await own.untilHeld('BACK-held')).toMatchObject({ held: true });
    expect((await own.client.get('BACK-held')).status).toBe('resolved');
    expect(await own.client.surveys.currentOf('BACK-closed')).toMatchObject({ state: 'sent' });
    expect(await askedBy('BACK-closed')).toEqual([{ brand: 'acme', question: 'nps' }]);
    const story = (await own.client.timeline('BACK-closed')).map((entry) =>
      entry.kind === 'status' ? entry.status : entry.kind === 'survey' ? entry.event : entry.kind,
    );
    expect(story).toEqual(['acknowledged', 'resolved', 'closed', 'sent']);
    expect((await own.untilPhase('BACK-written', 'needsAttention')).attention?.code).toBe('Diverged');
    const listed = async () =>
      (await own.client.listWithStatus({ phase: 'needsAttention' })).reports.map(({ report }) => report.id);
    expect(await listed()).toEqual(['BACK-written']);
    await pause(1000);
    const subjects = (await own.mails()).map(({ messageId }) => messageId);
    expect(new Set(subjects).size).toBe(subjects.length);
    expect((await own.mails('BACK-closed')).length).toBe(1);
    await own.open('BACK-after'); // its question is not stored any more
    await own.client.clear('BACK-after');
    await own.untilSurvey('BACK-after', 'sent');
    expect(await askedBy('BACK-after')).toEqual([{ brand: 'acme', question: 'nps' }]);
    await own.client.operate('retryNow', 'BACK-written', { by: 'eve' });
    await until('what its run decided', async () => (await own.client.get('BACK-written')).status === 'closed');
    expect(await listed()).toEqual([]);
    expect(await brokenInvariants(own, { isRestored: true })).toEqual([]);
  } finally {
    await own.end();
  }
});

test('no report, mail or answer was lost or duplicated', async () => {
  expect(await brokenInvariants(stack)).toEqual([]);
});
