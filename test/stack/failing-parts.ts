/** A part of a stack is killed, or stopped for a while. */
import { setTimeout as pause } from 'node:timers/promises';
import { childrenOf } from './processes.js';
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

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
}
