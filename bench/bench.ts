/**
 * `npm run bench`: Closeout against a bare workflow on one freshly started stack, in turns. Times count from the signal `cleared`
 * until the mail server has received the complete mail. Can run beside `npm start`.
 */
import { once } from 'node:events';
import pg from 'pg';
import { findTemporalCli } from '../src/local/temporal.js';
import { loadConfig } from '../src/setup/config.js';
import { freePorts } from '../test/stack/commands.js';
import { Stack } from '../test/stack/stack.js';
import { bareContender, closeoutContender, MailServer, startBareWorker } from './contenders.js';
import { fill, slowest } from './dashboard.js';
import { behindOthers, historyEvents, inBursts, oneAtATime, rounds, type Bench } from './measure.js';
import { comparison, dashboardTable, priorityTable } from './report.js';

const warmUp = 15;

process.env['CLOSEOUT_TEMPORAL_CLI'] = await findTemporalCli(process.env, console.error);
const mails = new MailServer();
const [port = 0] = await freePorts(1);
await mails.listen(port);
const stack = await Stack.start({ env: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
const print = (table: string) => process.stdout.write(table);

try {
  const bareWorker = await startBareWorker(stack, mails);
  try {
    const contenders = { bare: bareContender(stack, bareWorker), closeout: closeoutContender(stack) };
    const bench: Bench = { stack, mails, contenders };
    await oneAtATime(bench, warmUp, 'WARM');
    const single = await oneAtATime(bench, rounds, 'ONE');
    const many = await inBursts(bench);
    print(comparison(single, many, await historyEvents(stack)));
    print(await priorities(bench));
    print(await dashboardQueries());
  } finally {
    if (bareWorker.kill('SIGTERM')) await once(bareWorker, 'exit');
  }
} finally {
  await stack.end();
  mails.close();
}

async function priorities(bench: Bench): Promise<string> {
  const times = { with: [] as number[], without: [] as number[] };
  for (let round = 0; round < 4; round++) {
    times.with.push(await behindOthers(bench, `with-${round}`, true));
    times.without.push(await behindOthers(bench, `without-${round}`, false));
  }
  return priorityTable(times.without, times.with);
}

/** With 2,000 reports and with ten times as many. */
async function dashboardQueries(): Promise<string> {
  const database = new pg.Client({ connectionString: loadConfig({ ...stack.env }).databaseUrl });
  await database.connect();
  try {
    await fill(database, 1, 2000);
    const few = await slowest(stack.client);
    await fill(database, 2001, 20_000);
    return dashboardTable(few, await slowest(stack.client));
  } finally {
    await database.end();
  }
}
