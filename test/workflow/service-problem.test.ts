import pg from 'pg';
import { loadConfig } from '../../src/config.js';
import type { MassClearProgress } from '../../src/contract/messages.js';
import { Stack, until } from '../stack.js';

let stack: Stack;
let database: pg.Client;
beforeAll(async () => {
  stack = await Stack.start();
  database = new pg.Client({ connectionString: loadConfig({ ...stack.env }).databaseUrl });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await stack.end();
});

const openAll = async (problem: string, count: number, customers: number) => {
  const all = Array.from({ length: count }, (_, index) => `${problem}-${index}`);
  for (let from = 0; from < count; from += 25)
    await Promise.all(
      all.slice(from, from + 25).map((id, index) =>
        stack.open(id, {
          serviceProblemId: problem,
          customerId: `${problem}-customer-${(from + index) % customers}`,
          contact: { emailAddress: `${problem.toLowerCase()}-${(from + index) % customers}@customers.example` },
        }),
      ),
    );
  return all;
};

test('clears every report of the problem, once, with one survey a customer; what is refused is listed and the rest goes on', async () => {
  const all = await openAll('SP-1', 300, 90);
  await database.query(`
    create function refuse() returns trigger language plpgsql as $$ begin
      if new.status = 'resolved' and new.id in ('SP-1-7', 'SP-1-77', 'SP-1-277') then raise exception 'refused'; end if;
      return new;
    end $$;
    create trigger refuse before update on reports for each row execute function refuse()`);
  await stack.client.clearProblem({ serviceProblemId: 'SP-1', by: 'noc', perSecond: 60 });
  await until('half of it', async () => (await stack.client.problemProgress('SP-1')).cleared > 100);
  const late = await stack.open('SP-1-0-late', { serviceProblemId: 'SP-1' }); // joins before the place where it is
  await stack.kill('worker');
  const refused = await until('the three to be refused', async () => {
    const progress = await stack.client.problemProgress('SP-1');
    return progress.failed.length === 3 && progress;
  });
  expect(refused.failed.map(({ reportId }) => reportId).sort()).toEqual(['SP-1-277', 'SP-1-7', 'SP-1-77']);
  await database.query('drop trigger refuse on reports');
  const done = await until(
    'the end',
    async () => {
      const progress = await stack.client.problemProgress('SP-1');
      return progress.done && progress;
    },
    110_000,
  );
  expect(done).toMatchObject({ open: 0, closed: 301, failed: [] } satisfies Partial<MassClearProgress>);
  expect((await stack.client.reports.get(late)).status).toBe('closed');
  const surveys = await database.query<{ state: string; customer_id: string }>(
    "select state, customer_id from surveys where service_problem_id = 'SP-1' and state = 'sent'",
  );
  expect(surveys.rows).toHaveLength(91);
  expect(new Set(surveys.rows.map(({ customer_id: id }) => id)).size).toBe(91);
  const { rows } = await database.query<{ count: string }>(
    "select count(*) from status_changes where status = 'closed' and report_id = any($1)",
    [all],
  );
  expect(rows[0]?.count).toBe('300');
});

test('a report cleared by itself in the middle does not queue behind the rest', async () => {
  await openAll('SP-2', 300, 300);
  const single = await stack.open('SINGLE-1');
  const askedOf = async () =>
    (await database.query("select 1 from surveys where service_problem_id = 'SP-2' and state = 'sent'")).rows.length;
  await stack.client.clearProblem({ serviceProblemId: 'SP-2', perSecond: 500 });
  await until('it to be under way', async () => (await askedOf()) > 0);
  await stack.client.clear(single);
  await stack.untilSurvey(single, 'sent');
  expect(await askedOf()).toBeLessThan(300);
  await until('the rest', async () => (await stack.client.problemProgress('SP-2')).done, 110_000);
  expect((await stack.client.reports.countOf('SP-2')).closed).toBe(300);
});

test('by command, with a bar and the number told; again, it changes nothing; and by the API', async () => {
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
});
