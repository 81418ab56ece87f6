/** `npm run bench:desk`: the slowest of several calls of the queries behind the desk, with many reports and with a tenth of them. */
import Table from 'cli-table3';
import pg from 'pg';
import type { CloseoutClient } from '../src/client.js';
import { findTemporalCli } from '../src/local/temporal.js';
import { loadConfig } from '../src/setup/config.js';
import { Stack } from '../test/stack/stack.js';

const calls = 10;

/** Reports of 30 days that are closed, each with a survey; a third answered, a tenth of those with a comment. */
async function fill(database: pg.Client, from: number, to: number): Promise<void> {
  await database.query(`insert into customers (id) select 'many-' || n from generate_series($1::int, $2::int) n`, [
    from,
    to,
  ]);
  await database.query(
    `insert into reports (id, status, description, severity, ticket_type, service_problem_id, customer_id,
        opened_at, changed_at, cleared_at, close_due_at, closed_at, state)
      select 'many-' || n, 'closed', 'No dial tone', 'minor', (array['fault', 'change', 'question'])[1 + n % 3],
        case when n % 4 = 0 then 'SP-' || n % 50 end, 'many-' || n, t, t, t, t, t + make_interval(secs => n % 90), 'closed'
      from (select n, now() - make_interval(mins => 2 * n % 43000) as t from generate_series($1::int, $2::int) n) x`,
    [from, to],
  );
  await database.query(
    `insert into surveys (id, report_id, cycle, customer_id, state, reason, sent_at, expires_at, mailed_at)
      select lpad(n::text, 16, 'm'), 'many-' || n, 1, 'many-' || n,
        case when n % 3 = 0 then 'answered' when n % 5 = 0 then 'skipped' else 'sent' end,
        case when n % 3 > 0 and n % 5 = 0 then 'contactCap' end, now(), now() + interval '14 days', now()
      from generate_series($1::int, $2::int) n`,
    [from, to],
  );
  await database.query(
    `insert into answers (survey_id, score, comment, acted_on_revision)
      select lpad(n::text, 16, 'm'), 1 + n % 5, case when n % 10 = 0 then 'Fine.' end, 1
      from generate_series($1::int, $2::int) n where n % 3 = 0`,
    [from, to],
  );
  await database.query('analyze');
}

/** The slowest of several calls of each query, in ms. */
async function slowest({ overview }: CloseoutClient): Promise<Map<string, number>> {
  const { counts } = overview;
  const queries: Record<string, () => Promise<unknown>> = {
    'surveys by state': () => counts.surveys(),
    'the last answers': () => counts.answers(20),
    'from cleared to closed by day': () => counts.closingTimes(30),
    'confirmations by reply': () => counts.confirmations(),
    'the last sweep': () => overview.lastSweep(),
    'reports by status (/metrics)': () => counts.reports(),
    'reports by phase (/metrics)': () => counts.desk(),
    'the oldest clearing (/metrics)': () => counts.oldestClearingSeconds(),
  };
  const times = new Map<string, number>();
  for (const [name, ask] of Object.entries(queries)) {
    await ask();
    for (let call = 0; call < calls; call++) {
      const startedAt = performance.now();
      await ask();
      times.set(name, Math.max(times.get(name) ?? 0, performance.now() - startedAt));
    }
  }
  return times;
}

process.env['CLOSEOUT_TEMPORAL_CLI'] = await findTemporalCli(process.env, console.error);
const stack = await Stack.start();
const database = new pg.Client({ connectionString: loadConfig({ ...stack.env }).databaseUrl });
try {
  await database.connect();
  await fill(database, 1, 2000);
  const few = await slowest(stack.client);
  await fill(database, 2001, 20_000);
  const table = new Table({
    head: ['slowest of ten calls', '2,000 reports', '20,000', 'ratio'],
    style: { head: [], border: [] },
  });
  for (const [name, ms] of await slowest(stack.client)) {
    const before = few.get(name) ?? NaN;
    table.push([name, `${before.toFixed(1)} ms`, `${ms.toFixed(1)} ms`, (ms / before).toFixed(1)]);
  }
  process.stdout.write(`${table.toString()}\n`);
} finally {
  await database.end();
  await stack.end();
}
