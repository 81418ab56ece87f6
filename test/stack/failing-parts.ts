/** A part of a stack is killed, or stopped for a while. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Stack } from './stack.js';

export const parts = ['worker', 'gateway', 'Temporal', 'PostgreSQL'] as const;
type Part = (typeof parts)[number];

/** Throws `ESRCH` if the part has just ended; does nothing if it is about to be started again. */
export function killPart(stack: Stack, part: Part): void {
  const pid = stack.pids()[part];
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

/** The same, with its children, such as the sessions of PostgreSQL; `ms`: for how long. */
export async function stopPart(stack: Stack, part: Part, ms: number): Promise<void> {
  const pid = stack.pids()[part];
  if (pid === undefined) return;
  process.kill(pid, 'SIGSTOP'); // from now on, it has no new children
  const children = childrenOf(pid);
  for (const child of children) signalIfAlive(child, 'SIGSTOP');
  await pause(ms);
  for (const child of children) signalIfAlive(child, 'SIGCONT');
  process.kill(pid, 'SIGCONT');
}

const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);

/** The second field after the name of the program, which may hold anything (proc(5)); undefined if there is no such process. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(/^.*\) \S+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
}
