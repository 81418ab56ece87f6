import { sleep } from '@temporalio/activity';
import { CloseoutError } from '../contract/errors.js';
import { signals } from '../contract/messages.js';
import type { CountedReports } from '../outside/reports/service-problems.js';
import type { Deps } from './deps.js';
import { inParallel } from './in-parallel.js';
import { now } from '../outside/database/clock.js';

export interface ClearReports {
  serviceProblemId: string;
  /** Continues after this report; empty: with the first. */
  after: string;
  /** The last report that was signalled so long ago that it no longer fills the window; empty: none. */
  overdue: string;
  /** How many reports may have been signalled and not followed yet, as the last call left it. */
  window?: number;
  perSecond: number;
  /** ISO 8601: when the fault was fixed. */
  at: string;
  by: string;
  /** Id of the request, which counts once for each report. */
  requestId: string;
  /** They were signalled in an earlier round: whatever their runs wait for is tried at once. */
  isRetry?: boolean;
}

export interface ClearedReports {
  /** The last report that was signalled. */
  after: string;
  window: number;
  /** No report is left. */
  isDone: boolean;
}

/** How many reports may have been signalled and not followed yet. */
const windowSize = { least: 10, first: 50, most: 500 };

/** How long one call goes on, and the pause between two looks; ms. */
const [duration, pause] = [2_000, 250];

/**
 * Signals the next open reports of a service problem that they are cleared, for two seconds, as fast as their runs follow. Safe to
 * repeat: a signal with the same id counts once.
 */
export async function clearReports({ serviceProblems, runs }: Deps, request: ClearReports): Promise<ClearedReports> {
  const { serviceProblemId, overdue, perSecond, at, by, requestId, isRetry } = request;
  const fixedAt = new Date(at);
  const startedAt = performance.now();
  let { after, window = windowSize.first } = request;
  for (let signalled = 0; performance.now() - startedAt < duration; await sleep(pause)) {
    const inFlight = await serviceProblems.countInFlight({ serviceProblemId, fixedAt, after, overdue });
    if (after !== '') window = adapted(window, inFlight);
    const atThisRate = Math.ceil((perSecond * (performance.now() - startedAt + pause)) / 1000) - signalled;
    const limit = Math.min(window - inFlight, atThisRate);
    if (limit <= 0) continue;
    const reports = await serviceProblems.nextOpen(serviceProblemId, fixedAt, after, limit);
    const payload = { at, by, id: requestId, receivedAt: now().toISOString(), bulk: true };
    // A report that cannot be signalled does not follow, so the next round signals it again.
    await inParallel(reports, async (report) => {
      await runs.signal(report, signals.cleared, payload);
      if (isRetry) await runs.update('retryNow', report.id, { by }).catch(ignoreRefused);
    });
    if (reports.length === 0) return { after, window, isDone: true };
    signalled += reports.length;
    after = reports.at(-1)?.id ?? after;
  }
  return { after, window, isDone: false };
}

/** Holds what the runs follow in about half a second: a single report that is cleared meanwhile waits no longer than that. */
function adapted(window: number, inFlight: number): number {
  if (inFlight < window / 8) return Math.min(windowSize.most, window * 2);
  return inFlight > window / 2 ? Math.max(windowSize.least, Math.floor(window / 2)) : window;
}

/** Its run waits for nothing that could be tried, or has ended. */
function ignoreRefused(error: unknown): void {
  const isRefused = error instanceof CloseoutError && (error.code === 'StatusConflict' || error.code === 'NoRun');
  if (!isRefused) throw error;
}

export interface CountReports {
  serviceProblemId: string;
  /** ISO 8601: when the fault was fixed. */
  at: string;
  after: string;
  requestId: string;
}

/** Counts how far the reports of a service problem have followed. Reads only. */
export async function countReports({ serviceProblems }: Deps, { at, ...rest }: CountReports): Promise<CountedReports> {
  return serviceProblems.count({ ...rest, fixedAt: new Date(at) });
}
