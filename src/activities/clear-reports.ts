import { signals, type MassClearProgress } from '../contract/messages.js';
import { openStatuses } from '../policy/status.js';
import type { Deps } from './deps.js';
import { inParallel } from './in-parallel.js';

export interface ClearReports {
  serviceProblemId: string;
  /** Continues after this report; empty: with the first. */
  after: string;
  limit: number;
  /** ISO 8601: when the fault was fixed. */
  at: string;
  by: string;
}

export interface ClearedReports {
  cleared: number;
  failed: { reportId: string; failure: string }[];
  /** The last report that was looked at; undefined if none was left. */
  last?: string;
}

/**
 * Clears the next open reports of a service problem. Safe to repeat: a run acts once on the same signal. A report whose own last
 * change is newer than the end of the fault was reopened since and is left alone.
 */
export async function clearReports(
  { reports, runs }: Deps,
  { serviceProblemId, after, limit, at, by }: ClearReports,
): Promise<ClearedReports> {
  let cleared = 0;
  const ids = await reports.openOf(serviceProblemId, after, limit);
  const failed = await inParallel(ids, async (id) => {
    const report = await reports.get(id);
    // The system of record first: if it refuses, the run is not signalled, and the report is listed as failed.
    const changed = await reports.change(id, { kind: 'cleared', at, by });
    if (changed.state !== 'cleared') return;
    await runs.signal(report, signals.cleared, { at, by, bulk: true });
    await reports.markNotified({ id, ...changed, runState: 'open', runCycle: changed.cycle });
    cleared++;
  });
  return {
    cleared,
    failed: failed.map(({ item, failure }) => ({ reportId: item, failure })),
    last: ids.at(-1),
  };
}

/** Counts the reports of a service problem that are open, being closed and closed. Reads only. */
export async function countReports(
  { reports }: Deps,
  { serviceProblemId }: { serviceProblemId: string },
): Promise<Pick<MassClearProgress, 'open' | 'closing' | 'closed'>> {
  const counts = await reports.countOf(serviceProblemId);
  const open = openStatuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  return { open, closing: counts.resolved ?? 0, closed: counts.closed ?? 0 };
}
