/** One embedded part: a process with a log file, which is started, watched and stopped. */
import { spawn, type ChildProcess, type SpawnOptions, type StdioOptions } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CloseoutError } from '../contract/errors.js';

export interface PartOptions {
  name: string;
  command: string;
  args: string[];
  logFile: string;
  /** Polled until it returns true; `message`: our own process, which sends a message. */
  ready: (() => Promise<boolean>) | 'message';
  spawn?: Pick<SpawnOptions, 'env' | 'uid' | 'gid' | 'cwd'>;
  stopSignal?: NodeJS.Signals;
}

export interface Part {
  name: string;
  pid: number;
  /** Rejects with the reason in the log if the part ends first, or is not ready within a minute; the caller must still stop it. */
  ready: Promise<void>;
  /** Resolves with the exit code or signal when the process has ended. */
  ended: Promise<string>;
  stop(): Promise<void>;
}

const timeouts = { startMs: 60_000, stopMs: 15_000 };

/** The part has a process group of its own: Ctrl-C in the terminal reaches only us, and we stop the parts in order. */
export function startPart(options: PartOptions): Part {
  const { name, command, args, logFile, stopSignal = 'SIGTERM' } = options;
  const log = openSync(logFile, 'a');
  const logStart = fstatSync(log).size;
  const stdio: StdioOptions = options.ready === 'message' ? ['ignore', log, log, 'ipc'] : ['ignore', log, log];
  const child = spawn(command, args, { ...options.spawn, detached: true, stdio });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let hasReportedReady = false;
  child.once('message', () => (hasReportedReady = true));
  const poll = options.ready === 'message' ? () => Promise.resolve(hasReportedReady) : options.ready;
  const logged = () => `${reasonIn(logFile, logStart)} (full log: ${logFile})`;
  const ready = untilReady(name, poll, ended, logged);
  return { name, pid: child.pid ?? 0, ready, ended, stop: () => stop(child, ended, stopSignal) };
}

async function untilReady(
  name: string,
  ready: () => Promise<boolean>,
  ended: Promise<string>,
  logged: () => string,
): Promise<void> {
  let exit: string | undefined;
  void ended.then((codeOrSignal) => (exit = codeOrSignal));
  const giveUpAt = performance.now() + timeouts.startMs;
  while (!(await ready())) {
    await pause(20);
    if (exit === undefined && performance.now() < giveUpAt) continue;
    const reason = exit === undefined ? 'was not ready within a minute' : `ended with ${exit}`;
    throw new CloseoutError('Unexpected', `${name} ${reason}: ${logged()}`);
  }
}

async function stop(child: ChildProcess, ended: Promise<string>, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const timeout = new AbortController();
  const tooLong = pause(timeouts.stopMs, 'too long', { signal: timeout.signal }).catch(() => 'ended');
  if ((await Promise.race([ended, tooLong])) === 'too long') child.kill('SIGKILL');
  timeout.abort();
  await ended;
}

/** The line that most likely says why the part ended: our own message, else the first error, else the last line. */
function reasonIn(logFile: string, start: number): string {
  const lines = readFileSync(logFile).subarray(start).toString().trim().split('\n');
  const own = lines.find((line) => line.startsWith('closeout: '));
  const error = lines.find((line) => /\b(error|fatal|panic)\b/i.test(line));
  return own?.slice('closeout: '.length) ?? error ?? lines.at(-1) ?? '';
}
