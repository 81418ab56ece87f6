/** Rules for a report's status: all translations between status, state and change. Pure. */
import type { ChangeKind, OpenStatus, ReportStatus } from '../contract/reports.js';

/** The eight statuses of TMF621, reduced to what the process distinguishes. */
export type State = 'open' | 'cleared' | 'closed' | 'cancelled';

export const openStatuses: readonly OpenStatus[] = ['acknowledged', 'inProgress', 'pending', 'held'];
/** The statuses that end a report. Callers can reopen only a closed one; the system of record can also undo a cancellation. */
export const endedStatuses: readonly ReportStatus[] = ['closed', 'cancelled', 'rejected'];

export const isOpen = (status: ReportStatus): status is OpenStatus => openStatuses.some((open) => open === status);
export const isEnded = (status: ReportStatus): boolean => endedStatuses.includes(status);

export const hasEnded = (state: State): boolean => state === 'closed' || state === 'cancelled';

export function stateOf(status: ReportStatus): State {
  if (isOpen(status)) return 'open';
  if (status === 'resolved') return 'cleared';
  return status === 'closed' ? 'closed' : 'cancelled';
}

/** The status of a report of which only the state is known. */
export const statusOfState: Record<State, ReportStatus> = {
  open: 'inProgress',
  cleared: 'resolved',
  closed: 'closed',
  cancelled: 'cancelled',
};

/** The change that a caller reports who sets a status; undefined for `closed`, which only Closeout sets. */
export function changeTo(status: ReportStatus): ChangeKind | undefined {
  if (status === 'resolved') return 'cleared';
  if (status === 'cancelled' || status === 'rejected') return 'cancelled';
  return isOpen(status) ? 'reopened' : undefined;
}

const next: Record<State, Record<ChangeKind, State>> = {
  open: { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' },
  cleared: { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' },
  closed: { cleared: 'closed', reopened: 'open', cancelled: 'closed' },
  cancelled: { cleared: 'cancelled', reopened: 'cancelled', cancelled: 'cancelled' },
};

export const nextState = (state: State, kind: ChangeKind): State => next[state][kind];

/**
 * The statuses a caller may set next: TM Forum's reference implementation, and beyond it what eTOM asks for: a fault that clears before
 * anybody has begun, a report that is cancelled at any time before it is closed, and one that is reopened. `closed` is never among
 * them: closing is what Closeout does.
 */
const allowedNext: Record<ReportStatus, readonly ReportStatus[]> = {
  acknowledged: ['inProgress', 'held', 'pending', 'resolved', 'cancelled', 'rejected'],
  inProgress: ['held', 'pending', 'resolved', 'cancelled'],
  held: ['inProgress', 'pending', 'resolved', 'cancelled'],
  pending: ['inProgress', 'held', 'resolved', 'cancelled'],
  resolved: ['inProgress', 'held', 'pending', 'cancelled'],
  closed: ['inProgress'],
  cancelled: [],
  rejected: [],
};
export const allowedAfter = (from: ReportStatus): readonly ReportStatus[] => allowedNext[from];

/** How a report has ended. */
export const outcomeOf = (state: State): 'closed' | 'cancelled' => (state === 'cancelled' ? 'cancelled' : 'closed');
