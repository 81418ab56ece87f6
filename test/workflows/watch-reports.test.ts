import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { workflowIdOf } from '../../src/contract/ids.js';
import type { SweepResult } from '../../src/contract/messages.js';
import { post } from '../stack/http.js';
import { inParallel } from '../stack/in-parallel.js';
import { linkIn, type SeenMail } from '../stack/mail.js';
import { lookUp } from '../stack/look-up.js';
import { noSweep } from '../stack/no-sweep.js';
import { openSession } from '../stack/session.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
let database: pg.Client;
beforeAll(async () => {
  stack = await Stack.start({
    env: noSweep,
    policy: 'default:\n  survey: { contactCap: null }\n',
  });
  database = await openSession(stack);
});
afterAll(async () => {
  await database.end();
  await stack.end();
});

/** One sweep, as the schedule starts it; its result. */
async function sweep(): Promise<SweepResult> {
  const { workflow } = stack.temporal;
  const options = { workflowId: `sweep-${Date.now()}`, taskQueue: 'closeout', args: [] };
  return (await workflow.execute('watchReports', options)) as SweepResult;
}
const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const openAll = (all: string[]) => inParallel(all, (id) => stack.open(id, { contact: {} }));
/** Asks the customer of each; the mails. */
const askAll = async (all: string[]) => {
  const mails: SeenMail[] = [];
  await inParallel(all, async (id) => mails.push(await stack.ask(id)));
  return mails;
};
const closeAll = async (all: string[]) => {
  await inParallel(all, (id) => stack.client.clear(id));
  await stack.untilAllIn('REO-', 'done', 1, all.length);
};

test('there is a schedule that sweeps', async () => {
  const list = await stack.temporalCli('schedule', 'list');
  expect(list).toContain('closeout-watch');
});

/** A worker that does not answer within a second is left out. */
const metricsWithWorker = () =>
  until('the metrics of the worker', async () => {
    const metrics = await (await fetch(stack.url('/metrics'))).text();
    return metrics.includes('temporal_') && metrics;
  });

/** Of each kind. */
const size = process.env['CI'] ? 120 : 40;

test(`${5 * size} changes that no run was notified of: every run follows, once, after one sweep`, async () => {
  const [cleared, reopened, cancelled, elsewhere, answered] = ['CLR', 'REO', 'CAN', 'ELS', 'ANS'].map((word) =>
    ids(word, size),
  ) as [string[], string[], string[], string[], string[]];
  const quiet = ids('QUI', 20);
  await openAll([...cleared, ...reopened, ...cancelled, ...elsewhere, ...quiet]);
  await closeAll(reopened);
  const mails = await askAll(answered);

  // The system of record goes on, and customers answer, while the gateway has no link to Temporal.
  const update = (set: string, list: string[]) =>
    database.query(`update reports set ${set} where id = any($1)`, [list]);
  await update("status = 'resolved', changed_at = now()", cleared);
  await update("status = 'inProgress', changed_at = now()", reopened);
  await update("status = 'cancelled'", cancelled);
  await update("status = 'closed', changed_at = now(), closed_at = now()", elsewhere);
  const cutOff = await stack.secondGateway({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  const statuses = new Set<number>();
  await inParallel(mails, async (mail) => {
    statuses.add((await post(cutOff.moved(linkIn(mail, 5)), { score: '5' })).status);
  });
  await cutOff.end();
  expect(statuses).toEqual(new Set([303])); // stored, and thanked for

  // A pause of the worker repeats the activity, whose result then lacks what the first attempt did.
  expect(await sweep()).toMatchObject({ failed: 0, stuck: 0 });
  for (const prefix of ['CLR', 'ELS', 'CAN', 'ANS']) await stack.untilAllIn(`${prefix}-`, 'done', 1, size);
  await stack.untilAllIn('REO-', 'open', 2, size);
  for (const id of quiet) expect(await stack.client.status(id)).toMatchObject({ phase: 'open', cycle: 1 });
  const { rows } = await database.query<{ count: string }>(
    "select report_id from status_changes where status = 'closed' group by report_id, cycle having count(*) > 1",
  );
  expect(rows).toEqual([]);
  expect(await stack.mails()).toHaveLength(size);

  const { rows: behind } = await database.query(
    'select id, status, state, cycle from reports where state <> state_of(status)',
  );
  expect(behind).toEqual([]);
  const again = await stack.closeout('watch', '--json');
  const result = JSON.parse(again.stdout) as SweepResult;
  expect([again.code, result]).toEqual([0, expect.objectContaining({ notified: {}, failed: 0, stuck: 0 })]);
  const metrics = await metricsWithWorker();
  expect(metrics).toContain('closeout_reports_stuck 0');
  expect(metrics).toMatch(/^closeout_reports\{status="closed"\} \d+$/m);
  expect(metrics).toMatch(/^temporal_workflow_completed_total\{[^}]*workflow_type="watchReports"[^}]*\} \d+$/m);
}, 600_000);

test('every metric that the alert rules and the example dashboard name is there', async () => {
  const files = ['alerts.yaml', 'grafana.json'].map((name) => readFileSync(`docs/monitoring/${name}`, 'utf8')).join();
  const named = new Set(files.match(/\b(closeout|temporal)_[a-z_]+/g));
  const metrics = await metricsWithWorker();
  const rare =
    /_failed_total$|closeout_(confirmations|survey_answers|sweep_notified|listener_parked|system_failing_seconds)/; // not there before the first
  const missing = [...named].filter((name) => !rare.test(name) && !new RegExp(`^${name}[{ ]`, 'm').test(metrics));
  expect(missing).toEqual([]);
});

test('the metrics say for how long the oldest report has been cleared and not closed', async () => {
  const oldest = async () => {
    const metrics = await (await fetch(stack.url('/metrics'))).text();
    return Number(/^closeout_oldest_clearing_seconds (.+)$/m.exec(metrics)?.[1]);
  };
  expect(await oldest()).toBe(0);
  await database.query(`
    insert into reports (id, status, state, description, severity, ticket_type, opened_at, cleared_at)
    select 'late-' || hours, 'resolved', 'cleared', 'late', 'minor', 'fault', now(), now() - make_interval(hours => hours)
      from generate_series(1, 3) hours`);
  expect(await oldest()).toBeGreaterThanOrEqual(3 * 3600);
  expect(await oldest()).toBeLessThan(4 * 3600);
  // What an operator holds on purpose hides nothing that is late.
  await database.query(`update reports set hold = '{"by": "noc"}' where id = 'late-3'`);
  expect(await oldest()).toBeLessThan(3 * 3600);
  await database.query("delete from reports where id like 'late-%'");
});

test('the log of the worker says which run could not be woken, and why', async () => {
  await database.query(`
    insert into reports (id, status, description, severity, ticket_type, opened_at, run_id)
      values ('unwakeable-1', 'inProgress', 'A customer said so', 'minor', 'fault', now(), null);
    create function refuse_wake() returns trigger language plpgsql as $$ begin raise exception 'A customer said so'; end $$;
    create trigger refuse_wake before update of wakes on reports for each row when (new.wakes > old.wakes)
      execute function refuse_wake()`);
  expect((await sweep()).failed).toBeGreaterThan(0);
  await database.query(`drop trigger refuse_wake on reports; delete from reports where id = 'unwakeable-1'`);
  const failures = await until('the log', () => {
    const lines = readFileSync(join(stack.dataDir, 'logs', 'worker.log'), 'utf8').split('\n');
    const found = lines.filter((line) => line.includes('cannot wake a run'));
    return found.length > 0 && found;
  });
  expect(failures.join()).toMatch(/"id":"unwakeable-1".*"failure":"Unexpected".*"code":"P0001"/);
  expect(failures.join()).not.toContain('A customer said so');
});

test('a sweep over 20,000 quiet reports starts nothing', async () => {
  await database.query(`
    insert into reports (id, status, description, severity, ticket_type, opened_at)
    select 'quiet-' || n, 'inProgress', 'quiet', 'minor', 'fault', now() from generate_series(1, 20000) n`);
  expect(await sweep()).toMatchObject({ notified: {}, failed: 0 });
  const started = await stack.temporal.workflow.count('WorkflowId STARTS_WITH "problem-report:quiet-"');
  expect(started.count).toBe(0);
  await database.query("delete from reports where id like 'quiet-%'");
});

test('a report that flaps twenty times closes once, when it stays cleared', async () => {
  const flapping = await Stack.start({ policy: 'default:\n  holdDown: 10s\n' });
  try {
    const id = await flapping.open('FLAP-1');
    const run = flapping.temporal.workflow.getHandle(workflowIdOf(id));
    for (let time = 0; time < 20; time++) {
      await run.signal('cleared');
      await run.signal('reopened');
    }
    await run.signal('cleared');
    await flapping.untilSurvey(id, 'sent');
    const report = await flapping.client.get(id);
    expect(report).toMatchObject({ status: 'closed', cycle: 1 });
    const { events = [] } = await flapping.history(id);
    expect(events?.length).toBeLessThan(500);
  } finally {
    await flapping.end();
  }
});

test('a report that is reopened too often alerts an operator', async () => {
  const id = await stack.open('OFTEN-1', { contact: {} });
  for (let cycle = 1; cycle <= 4; cycle++) {
    await stack.client.clear(id);
    await stack.untilPhase(id, 'done', cycle);
    await stack.client.reopen(id);
    await stack.untilPhase(id, 'open', cycle + 1);
  }
  await until('the alerts', async () => {
    const subjects = new Set((await stack.alerts(id)).map(({ subject }) => subject));
    return [3, 4].every((times) => subjects.has(`Reopened ${times} times: report OFTEN-1`));
  });
});

test('a run that needs attention alerts an operator once, is on the desk, and is helped with all others', async () => {
  const id = await stack.open('STUCK-1');
  await lookUp(stack, id);
  await database.query("update reports set status = 'cancelled' where id = $1", [id]);
  await stack.signal(id, 'cleared');
  await stack.untilPhase(id, 'needsAttention');
  const alert = await until('the alert', async () => (await stack.alerts(id))[0]);
  expect(alert.subject).toBe('Needs attention: report STUCK-1');
  expect(alert.text).toContain('ClosureRefused');
  await until('the desk to show it', async () => {
    const page = await (await fetch(stack.url('/'))).text();
    return page.includes('href="/reports/STUCK-1"') && page.includes('ClosureRefused: Report STUCK-1 is cancelled');
  });
  const page = await (await fetch(stack.url('/reports/STUCK-1'))).text();
  expect(page).toContain('/workflows/problem-report%3ASTUCK-1');
  const others = await stack.closeout('retry', '--all', '--where', 'CloseoutCustomer="nobody"');
  expect(others).toMatchObject({ code: 0, stdout: '0 retried; 0 had nothing to retry; 0 could not be reached.\n' });
  const all = await stack.closeout('retry', '--all', '--by', 'eve', '--json');
  expect(JSON.parse(all.stdout)).toEqual({ retried: [id], failed: [], unreachable: [] });
  await stack.untilPhase(id, 'needsAttention');
  await sweep(); // tells the run that the report was cancelled
  await stack.untilPhase(id, 'done');
  // One alert per cause and day, however often it is refused.
  expect(await stack.alerts(id)).toHaveLength(1);
  const query = 'WorkflowId STARTS_WITH "alert:attention:closeReport:"';
  expect((await stack.temporal.workflow.count(query)).count).toBe(1);
});
