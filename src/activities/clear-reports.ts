import { signals, type MassClearProgress } from '../contract/messages.js';
import { inParallel } from './in-parallel.js';
import type { Deps } from './deps.js';

export interface ClearReports {
  serviceProblemId: string;
  /** Goes on behind this report; empty: from the first. */
  after: string;
  limit: number;
  /** ISO 8601: when the fault was gone. */
  at: string;
  by: string;
}

export interface ClearedReports {
  cleared: number;
  failed: { reportId: string; failure: string }[];
  /** The last report looked at; undefined: there was none left. */
  last?: string;
}

/**
 * Tells the runs of the next open reports of a service problem that the fault is gone. Safe to repeat: who is told twice acts
 * once. A report whose own last change is newer than the fault's end was opened again since and is left alone.
 */
export const clearReports =
  ({ reports, runs }: Deps) =>
  async ({ serviceProblemId, after, limit, at, by }: ClearReports): Promise<ClearedReports> => {
    let cleared = 0;
    const ids = await reports.openOf(serviceProblemId, after, limit);
    const failed = await inParallel(ids, async (id) => {
      const report = await reports.get(id);
      // The store first: what it refuses is not told, and shows up as failed.
      const { situation, cycle } = await reports.change(id, { kind: 'cleared', at, by });
      if (situation.status !== 'cleared') return;
      await runs.signal(report, signals.cleared, { at, by, bulk: true });
      await reports.settle({ id, ...situation, cycle, runStatus: 'open', runCycle: cycle });
      cleared++;
    });
    const last = ids.at(-1);
    return {
      cleared,
      failed: failed.map(({ item, failure }) => ({ reportId: item, failure })),
      ...(last === undefined ? {} : { last }),
    };
  };

/** How far the reports of a service problem are. Reads only. */
export const countReports =
  ({ reports }: Deps) =>
  async ({
    serviceProblemId,
  }: {
    serviceProblemId: string;
  }): Promise<Pick<MassClearProgress, 'open' | 'closing' | 'closed'>> => {
    const {
      acknowledged = 0,
      inProgress = 0,
      pending = 0,
      held = 0,
      resolved = 0,
      closed = 0,
    } = await reports.countOf(serviceProblemId);
    return { open: acknowledged + inProgress + pending + held, closing: resolved, closed };
  };
