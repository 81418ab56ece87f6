/** Records the processes that `npm start` has started, so that the next start can end what a killed one left running. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CloseoutError } from '../contract/errors.js';
import { writePrivately } from './secrets.js';

const run = promisify(execFile);

/** Name of the part → process id; `start` is the process of `npm start` itself. */
export type Pids = Record<string, number>;

const file = (dataDir: string) => join(dataDir, 'pids.json');

export const notePids = (dataDir: string, pids: Pids): Promise<void> => writePrivately(file(dataDir), pids);

/** Throws `BadSetting` if another `npm start` runs in this folder. Ends what a killed one left running. */
export async function endLeftovers(dataDir: string): Promise<void> {
  const { start, ...parts } = await readPids(dataDir);
  if (start && start !== process.pid && (await isOurs(start))) {
    throw new CloseoutError(
      'BadSetting',
      `Closeout is already running in ${dataDir} (process ${start}). Stop that one first, or set CLOSEOUT_DATA and other ports for a second.`,
      'CLOSEOUT_DATA',
    );
  }
  await Promise.all(Object.values(parts).map(end));
}

async function readPids(dataDir: string): Promise<Pids> {
  try {
    return JSON.parse(await readFile(file(dataDir), 'utf8')) as Pids;
  } catch {
    return {}; // the first start in this folder
  }
}

/** The process id may belong to another program by now. */
async function isOurs(pid: number): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'args=', '-p', `${pid}`]).catch(() => ({ stdout: '' }));
  return /dist\/cli\.js|server start-dev|--env cluster .*start|postgres.* -D /.test(stdout);
}

async function end(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (!(await isOurs(pid))) return;
      if (attempt === 0) process.kill(pid, signal);
      await pause(50);
    }
  }
}
