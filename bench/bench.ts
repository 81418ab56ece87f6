/**
 * `npm run bench`: Closeout, the smallest workflow that does the same, and a job queue in PostgreSQL, on one freshly started stack, in turns.
 * `--quick`: smaller; `--cluster`: on Temporal's server on PostgreSQL, with two workers of Closeout; `--json`: as JSON.
 * Can run beside `npm start`. Progress goes to standard error.
 */
import { parseArgs } from 'node:util';
import { findTemporalCli } from '../src/local/temporal.js';
import { freePorts } from '../test/stack/commands.js';
import { Stack } from '../test/stack/stack.js';
import { startContenders } from './contenders.js';
import { MailServer } from './mail-server.js';
import { massClear, memoryPer1000, oneAtATime, perClosure, storms, type Bench, type Sizes } from './measure.js';
import { resultOf, tablesOf, type Measured } from './report.js';

/** `npm run bench --quick` hands an option over in the environment, `npm run bench -- --quick` as an argument. */
const isSet = (option: string): boolean => process.env[`npm_config_${option}`] === 'true';
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: isSet('quick') },
    cluster: { type: 'boolean', default: isSet('cluster') },
    json: { type: 'boolean', default: isSet('json') },
  },
});
const sizes: Sizes = values.quick
  ? { rounds: 3, storm: 100, single: 20, massClear: 300 }
  : { rounds: 3, storm: 1000, single: 60, massClear: 5000 };

const startedAt = Date.now();
const say = (line: string) => {
  process.stderr.write(`${((Date.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
};

say('starting PostgreSQL, Temporal, worker and gateway');
process.env['CLOSEOUT_TEMPORAL_CLI'] = await findTemporalCli(process.env, console.error);
const mails = new MailServer();
const [port = 0] = await freePorts(1);
await mails.listen(port);
const policy = 'default: { survey: { contactCap: null } }';
const { CLOSEOUT_STACK_TRACES = 'no' } = process.env; // what they cost is seen by running twice
const stack = await Stack.start({
  isCluster: values.cluster,
  policy,
  env: { SMTP_URL: `smtp://127.0.0.1:${port}`, CLOSEOUT_STACK_TRACES },
});
try {
  const { all, end } = await startContenders(stack, mails);
  try {
    const bench: Bench = { stack, mails, contenders: all, say };
    await oneAtATime(bench, { ...sizes, single: 5 }, 'WARM');
    // Measured first, while the worker's cache has room: later, each new run would evict another.
    const rssPer1000Waiting = await memoryPer1000(bench, sizes);
    await stack.kill('worker'); // so that its caches are as cold as those of the others
    await oneAtATime(bench, { ...sizes, single: 5 }, 'AGAIN');
    const measured: Measured = {
      rssPer1000Waiting,
      perClosure: await perClosure(bench),
      single: await oneAtATime(bench, sizes),
      storms: await storms(bench, sizes),
      massClear: await massClear(bench, sizes),
    };
    process.stdout.write(values.json ? `${JSON.stringify(resultOf(measured), null, 2)}\n` : tablesOf(measured));
  } finally {
    await end();
  }
} finally {
  await stack.end();
  mails.close();
}
