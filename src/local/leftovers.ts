/** Records the processes that `npm start` has started, so that the next start can end what a killed one left running. */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
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
  const notedAt = await stat(file(dataDir)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (start && start !== process.pid && (await isOurs(start, notedAt))) {
    throw new CloseoutError(
      'BadSetting',
      `Closeout is already running in ${dataDir} (process ${start}). Stop that one first, or set CLOSEOUT_DATA and other ports to start a second one.`,
      'CLOSEOUT_DATA',
    );
  }
  await Promise.all(Object.values(parts).map((pid) => end(pid, notedAt)));
}

async function readPids(dataDir: string): Promise<Pids> {
  try {
    return JSON.parse(await readFile(file(dataDir), 'utf8')) as Pids;
  } catch {
    return {}; // the first start in this folder
  }
}

/** Since then, the process id may have been given to another program: one that began after it was noted. ms since 1970. */
async function isOurs(pid: number, notedAt: number): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'etimes=,args=', '-p', `${pid}`]).catch(() => ({ stdout: '' }));
  const [, seconds, args = ''] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? [];
  const beganAt = Date.now() - Number(seconds) * 1000;
  const isNoted = beganAt < notedAt + 2000; // ps counts whole seconds
  return (
    isNoted && /(dist\/cli\.js|\.bin\/closeout)( |$)|server start-dev|--env cluster .*start|postgres.* -D \//.test(args)
  );
}

async function end(pid: number, notedAt: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (!(await isOurs(pid, notedAt))) return;
      if (attempt === 0) kill(pid, signal);
      await pause(50);
    }
  }
}

/** It may have ended meanwhile. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
