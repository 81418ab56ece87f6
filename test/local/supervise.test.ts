import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers, notePids } from '../../src/local/leftovers.js';
import { startPart } from '../../src/local/part.js';
import { Supervisor } from '../../src/local/supervise.js';
import { until } from '../stack/waiting.js';

let dir: string;
const stopping = new AbortController();
const said: string[] = [];
let supervisor: Supervisor;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'closeout-supervise-'));
  supervisor = new Supervisor(dir, stopping.signal, (line) => said.push(line));
});
afterAll(async () => {
  stopping.abort();
  await supervisor.stopAll();
  await rm(dir, { recursive: true, force: true });
});

/** A process that waits. `failures`: of the starts after the first one. */
function sleeper(name: string, failures = 0) {
  let starts = 0;
  const part = {
    name,
    command: process.execPath,
    args: ['--eval', `process.send('ready'); setInterval(() => undefined, 1000)`],
    logFile: join(dir, `${name}.log`),
    ready: 'message' as const,
  };
  const start = () => {
    starts++;
    if (starts > 1 && starts <= failures + 1) throw new Error('the database is down');
    return startPart(part);
  };
  return { name, start };
}

const recorded = async () => JSON.parse(await readFile(join(dir, 'pids.json'), 'utf8')) as Record<string, number>;
const isReady = (name: string, times: number) => () =>
  said.filter((line) => line.startsWith(`${name}: ready`)).length === times;

test('parts that end at the same time are all restarted, and recorded', async () => {
  const names = ['one', 'two', 'three', 'four'];
  for (const name of names) await supervisor.start(sleeper(name));
  const { start, ...before } = await recorded();
  expect(start).toBe(process.pid);
  for (const pid of Object.values(before)) process.kill(pid, 'SIGKILL');
  for (const name of names) await until(`${name} to be restarted`, isReady(name, 2));
  const after = await recorded();
  for (const name of names) {
    expect(after[name]).not.toBe(before[name]);
    expect(process.kill(after[name] ?? 0, 0)).toBe(true);
  }
});

test('a part that cannot be restarted is tried until it can, and the others run on', async () => {
  await supervisor.start(sleeper('worker', 2));
  const { worker = 0, one } = await recorded();
  process.kill(worker, 'SIGKILL');
  await until('the worker to be restarted', isReady('worker', 2));
  expect(said.filter((line) => line === 'worker: cannot be restarted yet: the database is down')).toHaveLength(2);
  expect((await recorded())['one']).toBe(one);
});

/** A process that waits until it is stopped. `ready`: whether it counts as started. */
const waiting = (name: string, ready: () => Promise<boolean>) => ({
  name,
  start: () =>
    startPart({
      name,
      command: process.execPath,
      args: ['--eval', 'setInterval(() => undefined, 1000)'],
      logFile: join(dir, `${name}.log`),
      ready,
    }),
});
const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a part is recorded before it is ready, so that the next start can end it', async () => {
  let isReady = false;
  const started = supervisor.start(waiting('slow', () => Promise.resolve(isReady)));
  await until('the part to be recorded', async () => isRunning((await recorded())['slow'] ?? NaN));
  isReady = true;
  await started;
});

test('a part that is not ready yet is not waited for once everything is to stop', async () => {
  const stop = new AbortController();
  const other = new Supervisor(dir, stop.signal, () => undefined);
  let isAsked = false;
  const started = other.start(
    waiting('endless', () => {
      isAsked = true;
      return Promise.resolve(false);
    }),
  );
  await until('it to wait', () => isAsked);
  stop.abort();
  await started;
});

test('a part that cannot become ready is not left running', async () => {
  let pid = 0;
  const refused = waiting('refused', async () => {
    pid = (await recorded())['refused'] ?? 0;
    if (pid > 0) throw new Error('wrong password');
    return false;
  });
  await expect(supervisor.start(refused)).rejects.toThrow('wrong password');
  expect(isRunning(pid)).toBe(false);
});

test('only processes that we started are ended, even if a process id was reused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'closeout-leftovers-'));
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => undefined, 1000)', 'dist/cli.js']);
  const { pid = 0 } = child;
  await notePids(folder, { worker: pid });
  const hourAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(folder, 'pids.json'), hourAgo, hourAgo);
  await endLeftovers(folder);
  expect(isRunning(pid)).toBe(true);
  await notePids(folder, { worker: pid });
  await endLeftovers(folder);
  await until('it to end', () => child.signalCode !== null);
  await rm(folder, { recursive: true });
});
