/** Three programs that do the same: update a report's row when it is cleared, and mail its customer. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import pg from 'pg';
import { workflowIdOf } from '../src/contract/ids.js';
import { inParallel } from '../test/stack/in-parallel.js';
import type { Stack } from '../test/stack/stack.js';
import { until } from '../test/stack/waiting.js';
import type { MailServer } from './mail-server.js';

export const names = ['floor', 'closeout', 'graphile'] as const;
export type Name = (typeof names)[number];

export interface Contender {
  /** Stores a report, and starts what waits for it. */
  open: (id: string) => Promise<unknown>;
  clear: (id: string) => Promise<unknown>;
  /** Resolves once they do nothing more until they are cleared. */
  untilWaiting: (ids: string[]) => Promise<unknown>;
  /** Resolves once they do nothing more by themselves, after the mail. Asks little, because what it costs is measured, too. */
  untilAtRest: (prefix: string, count: number) => Promise<unknown>;
  /** The customer's address. */
  address: (id: string) => string;
  /** Its own processes, without those of Temporal and PostgreSQL. */
  workerPids: () => number[];
}

export interface Contenders {
  all: Record<Name, Contender>;
  end: () => Promise<void>;
}

const addressOf = (name: Name) => (id: string) => `${id.toLowerCase()}@${name}.example`;

export async function startContenders(stack: Stack, mails: MailServer): Promise<Contenders> {
  const settings = JSON.parse(readFileSync(join(stack.dataDir, 'stack.json'), 'utf8')) as Record<string, string>;
  const pool = new pg.Pool({ connectionString: settings['DATABASE_URL'], max: 10 });
  await pool.query(
    `create table bare_reports (id text primary key, status text not null, changed_at timestamptz, closed_at timestamptz)`,
  );
  const closeout = closeoutContender(stack);
  const mailFile = join(stack.dataDir, 'bench.eml');
  await writeFile(mailFile, await sampleMail(closeout, mails));
  const env = { ...process.env, ...settings, BENCH_MAIL: mailFile };
  const floor = await startWorker('./bare-worker.js', env);
  const graphile = await startWorker('./graphile-worker.js', env);
  const jobs = await makeWorkerUtils({ pgPool: pool });
  return {
    all: {
      closeout,
      floor: floorContender(stack, pool, floor),
      graphile: graphileContender(jobs, pool, graphile),
    },
    end: async () => {
      await jobs.release();
      await pool.end();
      for (const worker of [floor, graphile]) if (worker.kill('SIGTERM')) await once(worker, 'exit');
    },
  };
}

function closeoutContender(stack: Stack): Contender {
  const address = addressOf('closeout');
  return {
    open: (id) => stack.open(id, { contact: { name: `Ann ${id}`, emailAddress: address(id) } }),
    clear: (id) => stack.temporal.workflow.getHandle(workflowIdOf(id)).signal('cleared'),
    // In its first cycle, a run has looked its report up.
    untilWaiting: (ids) => inParallel(ids, (id) => stack.untilPhase(id, 'open', 1)),
    // The task that comes after the mail publishes that phase.
    untilAtRest: (prefix, count) => stack.untilAllIn(prefix, 'surveying', 1, count),
    address,
    workerPids: () => ['worker', 'worker-2'].flatMap((name) => stack.pids()[name] ?? []),
  };
}

const insertBare = (pool: pg.Pool, id: string) =>
  pool.query(`insert into bare_reports (id, status) values ($1, 'inProgress')`, [id]);

/** The smallest workflow that waits for a signal and runs two activities. */
function floorContender(stack: Stack, pool: pg.Pool, worker: ChildProcess): Contender {
  const handle = (id: string) => stack.temporal.workflow.getHandle(`bare:${id}`);
  return {
    open: async (id) => {
      await insertBare(pool, id);
      await stack.temporal.workflow.start('bareClosing', { workflowId: `bare:${id}`, taskQueue: 'bare', args: [id] });
    },
    clear: (id) => handle(id).signal('cleared'),
    untilWaiting: (ids) =>
      inParallel(ids, (id) =>
        until(`${id} to wait`, async () => {
          const { raw, historyLength } = await handle(id).describe();
          return historyLength > 3 && !raw.pendingWorkflowTask;
        }),
      ),
    untilAtRest: (prefix, count) =>
      until(
        `${prefix} to be done`,
        async () => {
          const query = `WorkflowId STARTS_WITH "bare:${prefix}" AND ExecutionStatus="Completed"`;
          return (await stack.temporal.workflow.count(query)).count === count;
        },
        300_000,
      ),
    address: addressOf('floor'),
    workerPids: () => [worker.pid ?? 0],
  };
}

/** A job queue in PostgreSQL: one job updates the row and queues the other, which mails. */
function graphileContender(jobs: WorkerUtils, pool: pg.Pool, worker: ChildProcess): Contender {
  return {
    open: (id) => insertBare(pool, id),
    clear: (id) => jobs.addJob('close', { id }),
    untilWaiting: () => Promise.resolve(),
    untilAtRest: () =>
      until('no job to be left', async () => {
        const { rows } = await pool.query<{ count: string }>('select count(*) from graphile_worker.jobs');
        return rows[0]?.count === '0';
      }),
    address: addressOf('graphile'),
    workerPids: () => [worker.pid ?? 0],
  };
}

/** The others send byte for byte a mail that Closeout has sent. */
async function sampleMail(closeout: Contender, mails: MailServer): Promise<Buffer> {
  await closeout.open('SAMPLE');
  await closeout.clear('SAMPLE');
  await mails.arrival(closeout.address('SAMPLE'));
  return mails.lastMail;
}

async function startWorker(file: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { env });
  await once(child, 'message');
  return child;
}
