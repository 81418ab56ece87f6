/** Pure rule of the sweep: what a report's run has to be told, if what it knows is not what the system of record holds. */
import type { ChangeKind } from '../contract/reports.js';
import type { Situation } from './status.js';

export interface Compared {
  status: Situation['status'];
  cycle: number;
  /** What the run was last known to know. */
  runStatus: Situation['status'];
  runCycle: number;
}

/** `started`: no run has ever looked the report up; one that does finds out by itself where the report stands. */
export type Missed = ChangeKind | 'started';

/** Undefined: nothing. A report closed elsewhere is told as cleared: its run then finds it closed, and asks the customer. */
export function missedChange({ status, cycle, runStatus, runCycle }: Compared): Missed | undefined {
  if (runCycle === 0) return 'started';
  if (cycle > runCycle && (status === 'open' || status === 'cleared')) return 'reopened';
  if (status === runStatus && cycle === runCycle) return undefined;
  const tells = { open: 'reopened', cleared: 'cleared', closed: 'cleared', cancelled: 'cancelled' } as const;
  return tells[status];
}
