/** Which change a run has missed, given what it knows and what the system of record holds. Pure. */
import type { ChangeKind } from '../contract/reports.js';
import { changeToReach, type State } from './status.js';

/** `started`: no run has looked the report up yet. A run that starts reads the report's state itself. */
export type MissedChange = ChangeKind | 'started';

export interface SweptState {
  state: State;
  cycle: number;
  /** The state of which the run was last notified. */
  runState: State;
  runCycle: number;
}

/** Undefined if the run missed nothing. */
export function missedChange({ state, cycle, runState, runCycle }: SweptState): MissedChange | undefined {
  if (runCycle === 0) return 'started';
  if (cycle > runCycle && (state === 'open' || state === 'cleared')) return 'reopened';
  if (state === runState && cycle === runCycle) return undefined;
  return changeToReach[state];
}
