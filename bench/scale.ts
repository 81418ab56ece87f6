/**
 * `npm run bench:scale`: what changes with the number of reports that wait. `-- --reports 1000,10000` says how many, `--cluster` measures on
 * Temporal's server on PostgreSQL. Progress goes to standard error.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { workflowIdOf } from '../src/contract/ids.js';
import { findTemporalCli } from '../src/local/temporal.js';
import { Stack } from '../test/stack/stack.js';
import { ticketPath } from '../test/stack/tickets.js';
import { until } from '../test/stack/waiting.js';
import { inParallel } from './contenders.js';
import { residentMiB } from './cpu.js';
import { quantile } from './report.js';

const { values } = parseArgs({
  options: { reports: { type: 'string', default: '1000,10000' }, cluster: { type: 'boolean', default: false } },
});
const levels = values.reports.split(',').map(Number);
const [clears, requests] = [40, 30];

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

/** Returns how many were opened per second. Waits until each run waits. */
async function openUpTo(from: number, to: number): Promise<number> {
  const ids = Array.from({ length: to - from }, (_, n) => `WAIT-${from + n}`);
  const ms = await timed(() => inParallel(ids, (id) => stack.open(id)));
  const last = stack.temporal.workflow.getHandle(workflowIdOf(ids.at(-1) ?? '')); // the tasks of all others come before its own
  await until('all runs to wait', async () => !(await last.describe()).raw.pendingWorkflowTask, 3_600_000);
  return (1000 * ids.length) / ms;
}

/** From the signal to the closing. */
async function clearOne(id: string): Promise<number> {
  await stack.open(id);
  await stack.untilPhase(id, 'open', 1);
  return timed(async () => {
    await stack.client.clear(id);
    await until(`${id} to be closed`, async () => (await stack.client.get(id)).status === 'closed');
  });
}

const get = (path: string) => () =>
  timed(async () => (await fetch(stack.url(path), { headers: { accept: 'text/html' } })).text());

async function measure(level: number, openedPerSecond: number): Promise<Scale> {
  const pids = stack.pids();
  const workers = ['worker', 'worker-2'].flatMap((name) => pids[name] ?? []);
  return {
    openedPerSecond,
    clear: await p95(clears, (n) => clearOne(`ONE-${level}-${n}`)),
    sweep: await timed(() => stack.client.overview.sweep()),
    overview: await p95(requests, get('/')),
    list: await p95(requests, get('/reports')),
    tickets: await p95(requests, get(`${ticketPath}?status=acknowledged&limit=50`)),
    memory: workers.reduce((sum, pid) => sum + residentMiB(pid), 0),
  };
}

try {
  const measured = new Map<number, Scale>();
  let opened = 0;
  for (const level of levels) {
    const rate = await openUpTo(opened, level);
    opened = level;
    measured.set(level, await measure(level, rate));
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
} finally {
  await stack.end();
}
