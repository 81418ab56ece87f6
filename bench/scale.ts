/**
 * `npm run bench:scale`: what changes with the number of reports that wait. `-- --reports 1000,10000` says how many, `--storm 10000` clears
 * so many of them at once in the end, `--kill` kills a worker and a gateway in its middle, `--cluster` measures on Temporal's server on
 * PostgreSQL. Progress goes to standard error.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { workflowIdOf } from '../src/contract/ids.js';
import { taskQueue } from '../src/contract/messages.js';
import { findTemporalCli } from '../src/local/temporal.js';
import { brokenInvariants } from '../test/stack/invariants.js';
import { inParallel } from '../test/stack/in-parallel.js';
import { Stack } from '../test/stack/stack.js';
import { ticketPath } from '../test/stack/tickets.js';
import { until } from '../test/stack/waiting.js';
import { peakMiB, residentMiB } from './cpu.js';
import { quantile } from './report.js';

const { values } = parseArgs({
  options: {
    reports: { type: 'string', default: '1000,10000' },
    storm: { type: 'string', default: '0' },
    kill: { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
  },
});
const levels = values.reports.split(',').map(Number);
const storm = Math.min(Number(values.storm), levels.at(-1) ?? 0);
const [clears, requests] = [40, 30];
/** After this, a part that was killed has started again; ms. */
const recovery = 10_000;

interface Scale {
  openedPerSecond: number;
  /** From the signal to the closing, p95; ms. */
  clear: number;
  sweep: number;
  /** Answers of HTTP, p95; ms. */
  overview: number;
  list: number;
  tickets: number;
  /** All workers, in MiB. */
  memory: number;
}

process.env['CLOSEOUT_TEMPORAL_CLI'] = await findTemporalCli(process.env, console.error);
const stack = await Stack.start({ isCluster: values.cluster, policy: 'default: { survey: { contactCap: null } }' });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function p95(count: number, work: (n: number) => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) times.push(await work(n));
  return quantile(times, 0.95);
}

/** Until no task waits for a worker and the run of `lastId` has none. */
async function untilIdle(lastId: string): Promise<void> {
  const last = stack.temporal.workflow.getHandle(workflowIdOf(lastId));
  const { namespace } = stack.temporal.options;
  const request = { namespace, taskQueue: { name: taskQueue }, reportStats: true };
  await until(
    'all runs to wait',
    async () => {
      const { stats } = await stack.temporal.workflowService.describeTaskQueue(request);
      const { raw } = await last.describe();
      return Number(stats?.approximateBacklogCount) === 0 && !raw.pendingWorkflowTask;
    },
    3_600_000,
  );
}

const workerPids = () => ['worker', 'worker-2'].flatMap((name) => stack.pids()[name] ?? []);

/** What the largest worker has ever taken. */
const largestMiB = () => Math.max(...workerPids().map(peakMiB));

/** Returns how many were opened per second. Waits until each run waits. */
async function openUpTo(from: number, to: number): Promise<number> {
  const ids = Array.from({ length: to - from }, (_, n) => `WAIT-${from + n}`);
  const ms = await timed(() => inParallel(ids, (id) => stack.open(id)));
  await untilIdle(ids.at(-1) ?? '');
  return (1000 * ids.length) / ms;
}

/** From the signal to the closing. */
const clearOne = (id: string) =>
  timed(async () => {
    await stack.client.clear(id);
    await until(`${id} to be closed`, async () => (await stack.client.get(id)).status === 'closed');
  });

const get = (path: string) => () =>
  timed(async () => (await fetch(stack.url(path), { headers: { accept: 'text/html' } })).text());

/** Clears the first of the reports that were opened last. */
async function measure(from: number, openedPerSecond: number): Promise<Scale> {
  return {
    openedPerSecond,
    sweep: await timed(() => stack.client.overview.sweep()),
    overview: await p95(requests, get('/')),
    list: await p95(requests, get('/reports')),
    tickets: await p95(requests, get(`${ticketPath}?status=acknowledged&limit=50`)),
    memory: workerPids().reduce((sum, pid) => sum + residentMiB(pid), 0),
    // Last, when nothing is left to do for those that were opened.
    clear: await p95(clears, (n) => clearOne(`WAIT-${from + n}`)),
  };
}

/** Those that were opened first. Returns what came of it; throws if one was not closed exactly once. */
async function clearAtOnce(count: number): Promise<string> {
  const ids = Array.from({ length: count }, (_, n) => `WAIT-${n}`);
  const sentSince = async (since = 0) => {
    const query = `select count(*)::int as count from surveys where report_id = any($1) and sent_at > to_timestamp($2)`;
    return (await stack.sql<{ count: number }>(query, [ids, since / 1000]))[0]?.count ?? 0;
  };
  const untilSent = (wanted: number) =>
    until(`${wanted} mails`, async () => (await sentSince()) >= wanted, 3_600_000).then(() => Date.now());
  const startedAt = Date.now();
  const signal = (id: string) => stack.temporal.workflow.getHandle(workflowIdOf(id)).signal('cleared');
  await inParallel(ids, signal);
  let ofKill = '';
  let largestBefore = 0;
  if (values.kill) {
    const killedAt = await untilSent(count / 2);
    const before = perSecond(await sentSince(), killedAt - startedAt);
    largestBefore = largestMiB();
    await Promise.all([stack.kill('worker'), stack.kill('gateway')]);
    const goneOnAt = killedAt + recovery;
    const endedAt = await untilSent(count);
    ofKill = ` ${before} before a worker and a gateway were killed, ${perSecond(await sentSince(goneOnAt), endedAt - goneOnAt)} from ${recovery / 1000} s after it.`;
  }
  const rate = perSecond(count, (await untilSent(count)) - startedAt);
  const largest = Math.max(largestBefore, largestMiB());
  const broken = await brokenInvariants(stack);
  if (broken.length > 0) throw new Error(broken.slice(0, 10).join('\n'));
  return `${count} cleared at once: ${rate} per second, each closed once; no worker took more than ${largest.toFixed(0)} MiB.${ofKill}`;
}

const perSecond = (count: number, ms: number) => ((1000 * count) / ms).toFixed(1);

try {
  const measured = new Map<number, Scale>();
  let opened = 0;
  for (const level of levels) {
    const rate = await openUpTo(opened, level);
    measured.set(level, await measure(opened, rate));
    opened = level;
    process.stderr.write(`${level} reports wait: measured\n`);
  }
  const table = new Table({ head: ['reports that wait', ...levels.map(String)], style: { head: [], border: [] } });
  const row = (what: string, of: (scale: Scale) => string) => table.push([what, ...[...measured.values()].map(of)]);
  row('opened per second', ({ openedPerSecond }) => openedPerSecond.toFixed(0));
  row('from cleared to closed, one at a time, p95', ({ clear }) => `${clear.toFixed(0)} ms`);
  row('a sweep', ({ sweep }) => `${(sweep / 1000).toFixed(1)} s`);
  row('the overview, p95', ({ overview }) => `${overview.toFixed(0)} ms`);
  row('the list of reports, p95', ({ list }) => `${list.toFixed(0)} ms`);
  row('a list of tickets, p95', ({ tickets }) => `${tickets.toFixed(0)} ms`);
  row('memory of the workers', ({ memory }) => `${memory.toFixed(0)} MiB`);
  process.stdout.write(`${table.toString()}\n`);
  if (storm > 0) process.stdout.write(`${await clearAtOnce(storm)}\n`);
} finally {
  await stack.end();
}
