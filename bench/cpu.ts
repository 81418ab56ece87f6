/** What processes have used so far (proc(5)). */
import { readFileSync } from 'node:fs';
import { childrenOf, statOf } from '../test/stack/processes.js';

/** User and system time of a process, in s; `withDead`: that of its children that have ended, too. Fields 14 to 17, in ticks of 10 ms. */
function cpuSeconds(pid: number, withDead: boolean): number {
  const fields = statOf(pid);
  const ticks = fields.slice(11, withDead ? 15 : 13).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

/** A process with its children, such as PostgreSQL. */
export function cpuOfTree(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child, false), cpuSeconds(pid, true));
}

/** Resident memory, in MiB. */
export const residentMiB = (pid: number): number => memoryOf(pid, 'VmRSS');

/** The most that it has ever been, in MiB. */
export const peakMiB = (pid: number): number => memoryOf(pid, 'VmHWM');

function memoryOf(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
}
