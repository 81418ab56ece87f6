import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { massClearIdOf } from '../../src/contract/ids.js';
import type { MassClearProgress } from '../../src/contract/messages.js';
import { inParallel } from '../stack/in-parallel.js';
import { openSession } from '../stack/session.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
let database: pg.Client;
beforeAll(async () => {
  stack = await Stack.start();
  database = await openSession(stack);
});
afterAll(async () => {
  await database.end();
  await stack.end();
});

const openAll = async (problem: string, count: number, customers: number) => {
  const all = Array.from({ length: count }, (_, index) => `${problem}-${index}`);
  await inParallel(all, (id) => {
    const customer = all.indexOf(id) % customers;
    return stack.open(id, {
      serviceProblemId: problem,
      customerId: `${problem}-customer-${customer}`,
      contact: { emailAddress: `${problem.toLowerCase()}-${customer}@customers.example` },
    });
  });
  return all;
};

/** Written by another program, which starts no runs. */
async function importAll(problem: string, count: number, customers: number): Promise<string[]> {
  await database.query(
    `insert into customers (id) select $1 || '-customer-' || n from generate_series(0, $2::int - 1) n on conflict do nothing`,
    [problem, customers],
  );
  const { rows } = await database.query<{ id: string }>(
    `insert into reports (id, status, description, severity, ticket_type, opened_at, service_problem_id, customer_id)
      select $1 || '-x' || n, 'inProgress', 'No service', 'major', 'fault', now(), $1, $1 || '-customer-' || n % $3
      from generate_series(0, $2::int - 1) n returning id`,
    [problem, count, customers],
  );
  await database.query(
    `insert into contacts (report_id, email_address)
      select id, customer_id || '@customers.example' from reports where id like $1 || '-x%'`,
    [problem],
  );
  return rows.map(({ id }) => id);
}

/** 2,000 reports of 600 customers in CI, half of that elsewhere. `npm run bench` clears 5,000. */
const size = process.env['CI'] ? 2000 : 1000;
const customers = (size * 3) / 10;

test(`${size} reports of ${customers} customers, 1 % refused: each closed once, one survey per customer, and kill -9 in the middle`, async () => {
  const opened = await openAll('SP-1', size / 5, customers);
  const all = [...opened, ...(await importAll('SP-1', (size * 4) / 5, customers))];
  const hard = all.filter((_, index) => index % 100 === 7);
  await database.query(`
    create table hard_ones as select unnest(array[${hard.map((id) => `'${id}'`).join()}]) as id;
    create function refuse() returns trigger language plpgsql as $$ begin
      if new.status in ('resolved', 'closed') and new.id in (select id from hard_ones) then raise exception 'refused'; end if;
      return new;
    end $$;
    create trigger refuse before update on reports for each row execute function refuse()`);
  await stack.client.serviceProblems.clear({ serviceProblemId: 'SP-1', by: 'noc', perSecond: 100 });
  const progress = () => stack.client.serviceProblems.progress('SP-1');
  await until('a third of it', async () => (await progress()).cleared > customers, patience);
  const late = await stack.open('SP-1-0-late', { serviceProblemId: 'SP-1' }); // after the fault was fixed
  await stack.kill('worker');
  // Until then, reports that were just signalled are listed as well.
  await until(
    'the 1 % to be refused, and no other',
    async () =>
      (await progress()).failed
        .map(({ reportId }) => reportId)
        .sort()
        .join() === [...hard].sort().join(),
    patience,
  );
  // What is unexpected can be found in the worker's log, without the data.
  const log = readFileSync(join(stack.dataDir, 'logs', 'worker.log'), 'utf8');
  expect(log).toMatch(/"failure":"Unexpected".*"code":"P0001".*"at":\["at /);
  await database.query('drop trigger refuse on reports'); // they are retried in every round
  await until('the end', async () => (await progress()).done, patience);
  expect(await progress()).toMatchObject({
    open: 1,
    later: { count: 1, ids: [late] },
    closed: size,
    failed: [],
  } satisfies Partial<MassClearProgress>);
  expect((await stack.client.get(late)).status).toBe('acknowledged');
  await until('every customer to be asked', async () => (await surveysOf('SP-1'))?.undecided === 1, patience);
  expect(await surveysOf('SP-1')).toEqual({ undecided: 1, sent: customers, customers });
  const { rows } = await database.query<{ count: string }>(
    "select count(*) from status_changes where status = 'closed' and report_id = any($1)",
    [all],
  );
  expect(rows[0]?.count).toBe(`${size}`);
}, 1_500_000);

const patience = 600_000;

/** Reports of a service problem without a decided survey, surveys sent, and customers who got one. */
async function surveysOf(problem: string) {
  const { rows } = await database.query<{ undecided: number; sent: number; customers: number }>(
    `select count(*) filter (where coalesce(s.state, 'queued') = 'queued')::int as undecided,
      count(*) filter (where s.state = 'sent')::int as sent,
      count(distinct s.customer_id) filter (where s.state = 'sent')::int as customers
      from reports r left join surveys s on s.report_id = r.id where r.service_problem_id = $1`,
    [problem],
  );
  return rows[0];
}

test('a report cleared by itself in the middle does not queue behind the rest', async () => {
  await openAll('SP-2', 300, 300);
  const single = await stack.open('SINGLE-1');
  const askedOf = async () =>
    (await database.query("select 1 from surveys where service_problem_id = 'SP-2' and state = 'sent'")).rows.length;
  await stack.client.serviceProblems.clear({ serviceProblemId: 'SP-2', perSecond: 500 });
  await until('it to be under way', async () => (await askedOf()) > 0);
  await stack.client.clear(single);
  await stack.untilSurvey(single, 'sent');
  await until('the rest', async () => (await stack.client.serviceProblems.progress('SP-2')).done, 110_000);
  expect((await stack.client.serviceProblems.progress('SP-2')).closed).toBe(300);
  const { rows } = await database.query(
    `
    select from surveys where report_id = $1 and sent_at < (select max(sent_at) from surveys where service_problem_id = 'SP-2')`,
    [single],
  );
  expect(rows).toHaveLength(1);
});

test('a command that follows a clearing ends when somebody stops it in Temporal', async () => {
  await openAll('SP-4', 20, 20);
  const following = stack.closeout('clear-problem', 'SP-4', '--rate', '1');
  await until('it to be under way', async () => (await stack.client.serviceProblems.progress('SP-4')).cleared > 0);
  await stack.temporal.workflow.getHandle(massClearIdOf('SP-4')).terminate();
  const { code, stderr } = await following;
  expect([code, stderr]).toEqual([1, expect.stringContaining('The clearing of SP-4 was stopped in Temporal.')]);
});

test('by command while no worker answers: it is accepted, and done once a worker does', async () => {
  await openAll('SP-5', 2, 2);
  const worker = (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(stack.pids()['worker'] ?? NaN, signal);
  worker('SIGSTOP');
  const accepted = await stack.closeout('clear-problem', 'SP-5', '--no-wait');
  const following = stack.closeout('clear-problem', 'SP-5', '--json');
  worker('SIGCONT');
  expect([accepted.code, accepted.stdout]).toEqual([0, expect.stringContaining('SP-5: accepted')]);
  const { code, stdout } = await following;
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { closed: 2, done: true }]);
});

test('a report that is linked while the others follow is cleared, too', async () => {
  const [late, first] = [await stack.open('SP-6-0'), await stack.open('SP-6-1', { serviceProblemId: 'SP-6' })];
  const begun = `select from reports where id in ('SP-6-0', 'SP-6-1') and run_id is not null`;
  await until('both runs to be known', async () => (await database.query(begun)).rowCount === 2);
  await database.query('begin');
  await database.query('select from reports where id = $1 for update', [first]);
  await stack.client.serviceProblems.clear({ serviceProblemId: 'SP-6' });
  const progress = () => stack.client.serviceProblems.progress('SP-6');
  await until('it to be waited for', async () => (await progress()).failedCount === 1);
  await stack.client.update(late, { serviceProblemId: 'SP-6' });
  await database.query('commit');
  await until('the end', async () => (await progress()).done);
  expect(await progress()).toMatchObject({ closed: 2, open: 0, failed: [] });
});

test('by command, with a bar and the number cleared; again, it changes nothing; and by the API', async () => {
  await openAll('SP-3', 5, 5);
  const first = await stack.closeout('clear-problem', 'SP-3', '--by', 'noc', '--json');
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ cleared: 5, closed: 5, failed: [], done: true });
  const again = await stack.closeout('clear-problem', 'SP-3', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ cleared: 0, closed: 5 });
  expect((await stack.closeout('clear-problem', 'SP-3', '--rate', '0')).code).toBe(2);
  const put = await fetch(stack.url('/service-problems/SP-3/clear'), {
    method: 'POST',
    body: '{"by":"noc"}',
    headers: { 'content-type': 'application/json' },
  });
  expect(put.status).toBe(202);
  const progress = await fetch(stack.url('/service-problems/SP-3'));
  expect(await progress.json()).toMatchObject({ serviceProblemId: 'SP-3' });
  expect((await fetch(stack.url('/service-problems/none'))).status).toBe(404);
  const unknown = await stack.closeout('clear-problem', 'SP-NONE');
  expect(unknown).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There are no reports of service problem SP-NONE') as string,
  });
});
