/** Rules for a report's status: all translations between status, state and change. Pure. */
import type { ChangeKind, OpenStatus, ReportStatus } from '../contract/reports.js';

/** The eight statuses of TMF621, reduced to what the process distinguishes. */
export type State = 'open' | 'cleared' | 'closed' | 'cancelled';

/** The state of a report. `changedAt`: source time of the last change applied; null before the first. */
export interface ReportState {
  state: State;
  cycle: number;
  changedAt: string | null;
}

/** A reported change. `at`: when it happened at its source. */
export interface Change {
  kind: ChangeKind;
  at: string;
}

export const openStatuses: readonly OpenStatus[] = ['acknowledged', 'inProgress', 'pending', 'held'];
/** The statuses that end a report. Only a closed report can be reopened. */
export const endedStatuses: readonly ReportStatus[] = ['closed', 'cancelled', 'rejected'];

export const isOpen = (status: ReportStatus): status is OpenStatus => openStatuses.some((open) => open === status);
export const isEnded = (status: ReportStatus): boolean => endedStatuses.includes(status);

export function stateOf(status: ReportStatus): State {
  if (isOpen(status)) return 'open';
  if (status === 'resolved') return 'cleared';
  return status === 'closed' ? 'closed' : 'cancelled';
}

/** The status that a change sets if its sender names none. */
export const statusAfter: Record<ChangeKind, ReportStatus> = {
  cleared: 'resolved',
  reopened: 'inProgress',
  cancelled: 'cancelled',
};

/** The state that a change leads to if it is applied. */
export const stateAfter: Record<ChangeKind, State> = { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' };

/** The change to signal to a run so that it catches up with a state. For a closed report, `cleared` makes it look and complete. */
export const changeToReach: Record<State, ChangeKind> = {
  open: 'reopened',
  cleared: 'cleared',
  closed: 'cleared',
  cancelled: 'cancelled',
};

/** The change that a new status means for a run; undefined if the run need not know. */
export function changeBetween(from: ReportStatus, to: ReportStatus): ChangeKind | undefined {
  if (to === 'resolved') return 'cleared';
  if (to === 'cancelled' || to === 'rejected') return 'cancelled';
  return isOpen(to) && !isOpen(from) ? 'reopened' : undefined;
}

const next: Record<State, Record<ChangeKind, State>> = {
  open: { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' },
  cleared: { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' },
  closed: { cleared: 'closed', reopened: 'open', cancelled: 'closed' },
  cancelled: { cleared: 'cancelled', reopened: 'cancelled', cancelled: 'cancelled' },
};

type LastChange = Pick<ReportState, 'state' | 'changedAt'>;

/**
 * The state after a change; undefined if the change is late, that is, older than the last one applied. A repeated change only
 * moves `changedAt` forward, so that nothing older can undo it.
 */
export function apply({ state, changedAt }: LastChange, change: Change): LastChange | undefined {
  if (isLate(change.at, changedAt)) return undefined;
  return { state: next[state][change.kind], changedAt: change.at };
}

/** Compares instants, whatever their notation. */
export function isLate(at: string, lastAt: string | null): boolean {
  return lastAt !== null && Date.parse(at) < Date.parse(lastAt);
}

/** When a change happened: the time its sender stated, but never in the future, or every later change would look late. */
export function changeTime(stated: unknown, receivedAt: number): string {
  const at = typeof stated === 'string' || stated instanceof Date ? new Date(stated).getTime() : NaN;
  return new Date(Number.isNaN(at) ? receivedAt : Math.min(at, receivedAt)).toISOString();
}

/** The statuses a caller may set next. `closed` is never among them: closing is what Closeout does. */
const allowedNext: Record<ReportStatus, readonly ReportStatus[]> = {
  acknowledged: ['inProgress', 'held', 'pending', 'resolved', 'cancelled', 'rejected'],
  inProgress: ['acknowledged', 'held', 'pending', 'resolved', 'cancelled'],
  held: ['acknowledged', 'inProgress', 'pending', 'resolved', 'cancelled'],
  pending: ['acknowledged', 'inProgress', 'held', 'resolved', 'cancelled'],
  resolved: ['inProgress', 'held', 'pending', 'cancelled'],
  closed: ['inProgress'],
  cancelled: [],
  rejected: [],
};
export const allowedAfter = (from: ReportStatus): readonly ReportStatus[] => allowedNext[from];
