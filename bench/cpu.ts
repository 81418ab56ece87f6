/** What processes have used so far (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** User and system time of a process, in s; `withDead`: that of its children that have ended, too. Fields 14 to 17, in ticks of 10 ms. */
function cpuSeconds(pid: number, withDead: boolean): number {
  const fields = statOf(pid);
  const ticks = fields.slice(11, withDead ? 15 : 13).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

/** After the name of the program, which may hold anything. */
function statOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return []; // it has ended meanwhile
  }
}

/** A process with its children, such as PostgreSQL. */
export function cpuOfTree(pid: number): number {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => Number(statOf(each)[1]) === pid);
  return children.reduce((sum, child) => sum + cpuSeconds(child, false), cpuSeconds(pid, true));
}

/** Resident memory, in MiB. */
export const residentMiB = (pid: number): number => memoryOf(pid, 'VmRSS');

/** The most that it has ever been, in MiB. */
export const peakMiB = (pid: number): number => memoryOf(pid, 'VmHWM');

function memoryOf(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
}
