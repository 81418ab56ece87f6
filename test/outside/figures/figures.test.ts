/** The figures that are kept by day agree with what a plain query counts, whatever happened since they were made. */
import { closingTimes, rollUpClosingTimes } from '../../../src/outside/figures/closing-times.js';
import { openDatabase, type Db } from '../../../src/outside/database/database.js';
import { customerWords } from '../../../src/outside/figures/customer-words.js';
import { countSurveys, rollUpSurveys } from '../../../src/outside/figures/survey-counts.js';
import { loadConfig } from '../../../src/setup/config.js';
import type { Survey } from '../../../src/contract/survey.js';
import { post } from '../../stack/http.js';
import { linkIn } from '../../stack/mail.js';
import { noSweep } from '../../stack/no-sweep.js';
import { Stack } from '../../stack/stack.js';

let stack: Stack;
let db: Db;
beforeAll(async () => {
  stack = await Stack.start({
    env: noSweep,
    policy: 'default:\n  survey: { contactCap: null }\n',
  });
  db = openDatabase(loadConfig({ ...stack.env }).databaseUrl, () => undefined);
});
afterAll(async () => {
  await db.destroy();
  await stack.end();
});

/** By state and type, as one statement over all surveys counts them. */
async function plainCounts(): Promise<Record<string, number>> {
  const rows = await stack.sql<{ key: string; count: number }>(
    `select s.state || ' ' || r.ticket_type as key, count(*)::int as count
     from surveys s join reports r on r.id = s.report_id group by key`,
  );
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
}

async function counts(): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { state, ticketType, count } of await countSurveys(db)) {
    const key = `${state} ${ticketType}`;
    sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}

const days = () => stack.sql<{ day: string }>('select distinct day::text from survey_days order by day');

test('counts agree before the first roll-up, after it, and after a later answer', async () => {
  await stack.ask('COUNT-1');
  expect(await counts()).toEqual(await plainCounts());
  await rollUpSurveys(db);
  expect(await days()).toHaveLength(1);
  expect(await counts()).toEqual(await plainCounts());
  await stack.ask('COUNT-2');
  const { id = '' } = (await stack.client.surveys.ofCycle('COUNT-1', 1)) ?? {};
  await stack.client.surveys.answer(id, { score: 4 });
  expect(await counts()).toEqual({ 'sent fault': 1, 'answered fault': 1 });
});

test('a survey that is skipped days after its decision is counted again', async () => {
  await stack.sql(`
    insert into surveys (id, report_id, cycle, question_id, state, decided_at)
    select 'late', report_id, 2, question_id, 'queued', now() - interval '3 days' from surveys where report_id = 'COUNT-1'`);
  await rollUpSurveys(db);
  await stack.sql(`update surveys set state = 'skipped', reason = 'cancelled' where id = 'late'`);
  expect(await counts()).toMatchObject({ 'skipped fault': 1 });
  await rollUpSurveys(db);
  expect(await counts()).toEqual(await plainCounts());
});

test('a report whose type changes days after its survey was decided is counted under the new type only', async () => {
  await stack.sql("update surveys set decided_at = now() - interval '3 days' where report_id = 'COUNT-1'");
  await rollUpSurveys(db);
  await stack.sql("delete from events where report_id = 'COUNT-1'");
  await stack.sql("update reports set ticket_type = 'order', last_update = now() where id = 'COUNT-1'");
  expect(await counts()).toEqual(await plainCounts());
  await rollUpSurveys(db);
  expect(await counts()).toEqual(await plainCounts());
});

test('a report that is removed is no longer counted', async () => {
  await stack.ask('COUNT-3');
  await stack.sql("update surveys set decided_at = now() - interval '5 days' where report_id = 'COUNT-3'");
  await stack.sql('update survey_roll_up set compared_at = null');
  await rollUpSurveys(db);
  const before = await counts();
  await stack.client.remove('COUNT-3');
  expect(await counts()).toEqual(await plainCounts());
  expect(await counts()).not.toEqual(before);
  await rollUpSurveys(db);
  expect(await counts()).toEqual(await plainCounts());
});

test('20,000 surveys that another program added to a year are counted within a day', async () => {
  await stack.sql(`
    insert into reports (id, status, state, description, severity, ticket_type, opened_at)
      select 'old-' || n, 'closed', 'closed', 'old', 'minor', 'fault', now() from generate_series(1, 20000) n`);
  await stack.sql(`
    insert into surveys (id, report_id, cycle, state, decided_at, sent_at)
      select 'old-' || n, 'old-' || n, 1, 'expired', now() - n % 365 * interval '1 day', now() - n % 365 * interval '1 day'
      from generate_series(1, 20000) n`);
  await stack.sql("update survey_roll_up set compared_at = now() - interval '25 hours'");
  for (const _ of ['compares', 'counts']) await rollUpSurveys(db);
  expect(await counts()).toEqual(await plainCounts());
  expect((await days()).length).toBeGreaterThanOrEqual(365);
  await stack.sql("update survey_roll_up set at = now() + interval '1 day'"); // nothing has happened since
  const plan = await stack.sql<{ 'QUERY PLAN': string }>(
    "explain select * from surveys s, survey_roll_up u where s.decided_at > u.at - interval '10 minutes'",
  );
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('surveys_by_time');
});

test('2,500 answers of the same moment are all in the CSV, once', async () => {
  await stack.sql("update surveys set state = 'answered' where id like 'old-%' and substr(id, 5)::int <= 2500");
  await stack.sql(
    "insert into answers (survey_id, score) select id, 5 from surveys where id like 'old-%' and state = 'answered'",
  );
  const lines = (await (await fetch(stack.url('/satisfaction.csv'))).text()).trim().split('\n');
  const reports = lines.flatMap((line) => /^"(old-\d+)"/.exec(line)?.[1] ?? []);
  expect([lines.length, new Set(reports).size]).toEqual([1 + 1 + 2500, 2500]); // a header, and COUNT-2's
});

test('closing times count from the end of what the policy waits; days that are over are kept', async () => {
  await stack.sql("update reports set closed_at = now(), close_due_at = now() where id in ('COUNT-1', 'COUNT-2')"); // of one day
  const [before] = await closingTimes(db, 30);
  expect(before).toMatchObject({ closed: 2 });
  await stack.sql(`
    update reports set cleared_at = now() - interval '9 days', clear_received_at = now() - interval '9 days',
      closed_at = now() - interval '1 day', close_due_at = now() - interval '1 day 30 seconds' where id = 'COUNT-1'`);
  await rollUpClosingTimes(db);
  const after = await closingTimes(db, 30);
  expect(after).toMatchObject([{ closed: 1, p50: 30, p95: 30 }, { closed: 1 }]);
  expect(await closingTimes(db, 1)).toEqual(after.slice(1));
  await stack.sql("update reports set closed_at = null, close_due_at = null where id = 'COUNT-1'"); // reopened two days later
  expect((await closingTimes(db, 30)).slice(0, 1)).toEqual(after.slice(0, 1));
});

test('days on which no sweep ran are in the closing times, and so is the end of the last one before them', async () => {
  await stack.sql('delete from closing_days');
  const closeAt = (id: string, ago: string) =>
    stack.sql(
      `update reports set closed_at = now() - interval '${ago}', close_due_at = now() - interval '${ago}' where id = '${id}'`,
    );
  await stack.sql('insert into closing_days (day, closed, p50, p95) values (current_date - 4, 0, 0, 0)');
  await closeAt('COUNT-1', '4 days');
  await closeAt('COUNT-2', '3 days');
  await rollUpClosingTimes(db);
  expect((await closingTimes(db, 30)).map(({ closed }) => closed)).toEqual([1, 1]);
});

test('what customers said is listed with what they wrote below follow-up questions, and when they opened a report again', async () => {
  const link = linkIn(await stack.ask('SAID-1'), 2);
  await post(link, { score: '2', comment: 'Too slow' });
  await stack.untilSurvey('SAID-1', 'answered');
  await stack.sql(`update answers set follow_ups = '{"technician": "came late"}'
    where survey_id = (select id from surveys where report_id = 'SAID-1')`);
  await stack.client.surveys.notSolved((await stack.client.surveys.ofCycle('SAID-1', 1)) as Survey, 'Dead again');
  await stack.untilPhase('SAID-1', 'open', 2);
  const said = (await customerWords(db, 10)).filter(({ reportId }) => reportId === 'SAID-1');
  expect(said.map(({ words, solved }) => [words, solved])).toEqual([
    ['Dead again', false],
    ['Too slow\ntechnician: came late', null],
  ]);
});
