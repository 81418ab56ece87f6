/** Pure rules of a report's status: which change counts, and what it makes of the report. */
import type { ChangeKind, ReportStatus } from '../contract/reports.js';

/** What a run knows of its report's status. `at`: source time of the last change applied, null before the first. */
export interface Situation {
  status: 'open' | 'cleared' | 'closed' | 'cancelled';
  at: string | null;
}

/** A change reported to a run. */
export interface Change {
  kind: ChangeKind;
  at: string;
}

const next: Record<Situation['status'], Record<ChangeKind, Situation['status']>> = {
  open: { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' },
  cleared: { cleared: 'cleared', reopened: 'open', cancelled: 'cancelled' },
  closed: { cleared: 'closed', reopened: 'open', cancelled: 'closed' },
  cancelled: { cleared: 'cancelled', reopened: 'cancelled', cancelled: 'cancelled' },
};

/**
 * The situation after a change. A change older than the last one applied is late and changes nothing; a repeated one
 * only moves `at` forward, so that something older still cannot undo it. A closed report can only be reopened;
 * cancelled is final.
 */
export function apply(now: Situation, change: Change): Situation {
  if (isLate(change.at, now.at)) return now;
  return { status: next[now.status][change.kind], at: change.at };
}

/** The situation that a stored status stands for. */
export function situationOf(status: ReportStatus, changedAt: string | null): Situation {
  const word = isOpen(status)
    ? 'open'
    : status === 'resolved'
      ? 'cleared'
      : status === 'closed'
        ? 'closed'
        : 'cancelled';
  return { status: word, at: changedAt };
}

/** Compares instants, whatever their notation. */
export function isLate(at: string, lastAt: string | null): boolean {
  return lastAt !== null && Date.parse(at) < Date.parse(lastAt);
}

/**
 * When a change happened: what its sender said if that can be read, but never in the future, because a wrong clock
 * would then make every later change look late.
 */
export function instantOf(said: unknown, receivedAt: number): string {
  const at = typeof said === 'string' || said instanceof Date ? new Date(said).getTime() : NaN;
  return new Date(Number.isNaN(at) ? receivedAt : Math.min(at, receivedAt)).toISOString();
}

export const openStatuses: readonly ReportStatus[] = ['acknowledged', 'inProgress', 'pending', 'held'];
export const isOpen = (status: ReportStatus): boolean => openStatuses.includes(status);

/** What a run has to be told when a report's status goes from one to another; undefined: nothing. */
export function changeKind(from: ReportStatus, to: ReportStatus): ChangeKind | undefined {
  if (to === 'resolved') return 'cleared';
  if (to === 'cancelled' || to === 'rejected') return 'cancelled';
  if (isOpen(to) && !isOpen(from)) return 'reopened';
  return undefined;
}

/** Statuses a caller may set from each; `closed` is never set by hand, closing is what Closeout does. */
const reachable: Record<ReportStatus, readonly ReportStatus[]> = {
  acknowledged: ['inProgress', 'held', 'pending', 'resolved', 'cancelled', 'rejected'],
  inProgress: ['acknowledged', 'held', 'pending', 'resolved', 'cancelled'],
  held: ['acknowledged', 'inProgress', 'pending', 'resolved', 'cancelled'],
  pending: ['acknowledged', 'inProgress', 'held', 'resolved', 'cancelled'],
  resolved: ['inProgress', 'held', 'pending', 'cancelled'],
  closed: ['inProgress'],
  cancelled: [],
  rejected: [],
};
export const mayFollow = (from: ReportStatus): readonly ReportStatus[] => reachable[from];
