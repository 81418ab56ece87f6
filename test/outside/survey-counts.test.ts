/** The kept daily counts and a plain count of all surveys agree, whatever happened since the counts were made. */
import { openDatabase, type Db } from '../../src/outside/database/database.js';
import { countSurveys, rollUpSurveys } from '../../src/outside/survey-counts.js';
import { loadConfig } from '../../src/setup/config.js';
import { Stack } from '../stack/stack.js';

let stack: Stack;
let db: Db;
beforeAll(async () => {
  stack = await Stack.start({
    env: { CLOSEOUT_WATCH_SECONDS: '100000' },
    policy: 'default:\n  survey: { contactCap: null }\n',
  });
  db = openDatabase(loadConfig({ ...stack.env }).databaseUrl, () => undefined);
});
afterAll(async () => {
  await db.destroy();
  await stack.end();
});

/** By state, as one statement over all surveys counts them. */
async function plainCounts(): Promise<Record<string, number>> {
  const rows = await stack.sql<{ state: string; count: number }>(
    'select state, count(*)::int as count from surveys group by state',
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

async function counts(): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { state, count } of await countSurveys(db)) sums[state] = (sums[state] ?? 0) + count;
  return sums;
}

const days = () => stack.sql<{ day: string }>('select distinct day::text from survey_days order by day');

test('before the first roll-up, after it, and after what happens then', async () => {
  await stack.ask('COUNT-1');
  expect(await counts()).toEqual(await plainCounts());
  await rollUpSurveys(db);
  expect(await days()).toHaveLength(1);
  expect(await counts()).toEqual(await plainCounts());
  await stack.ask('COUNT-2');
  const { id = '' } = (await stack.client.surveys.ofCycle('COUNT-1', 1)) ?? {};
  await stack.client.surveys.answer(id, { score: 4 });
  expect(await counts()).toEqual({ sent: 1, answered: 1 });
});

test('20,000 surveys that another program added to a year are counted with the next roll-up', async () => {
  await stack.sql(`
    insert into reports (id, status, state, description, severity, ticket_type, opened_at)
      select 'old-' || n, 'closed', 'closed', 'old', 'minor', 'fault', now() from generate_series(1, 20000) n`);
  await stack.sql(`
    insert into surveys (id, report_id, cycle, state, decided_at, sent_at)
      select 'old-' || n, 'old-' || n, 1, 'expired', now() - n % 365 * interval '1 day', now() - n % 365 * interval '1 day'
      from generate_series(1, 20000) n`);
  await rollUpSurveys(db);
  expect(await counts()).toEqual(await plainCounts());
  expect((await days()).length).toBeGreaterThanOrEqual(365);
  await stack.sql("update survey_roll_up set at = now() + interval '1 day'"); // nothing has happened since
  const plan = await stack.sql<{ 'QUERY PLAN': string }>(
    "explain select * from surveys s, survey_roll_up u where s.decided_at > u.at - interval '10 minutes'",
  );
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('surveys_by_time');
});
