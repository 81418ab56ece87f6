import { sleep } from '@temporalio/activity';
import { hasCode } from '../contract/errors.js';
import { signals } from '../contract/messages.js';
import { now } from '../outside/database/clock.js';
import type { CountedReports, Flow } from '../outside/reports/service-problems.js';
import { second } from '../policy/time.js';
import type { Deps } from './deps.js';
import { inParallel } from './in-parallel.js';

export interface ClearReports {
  serviceProblemId: string;
  /** Continues after this report; empty: with the first. */
  after: string;
  /** The last report that was signalled so long ago that it no longer slows down the others; empty: none. */
  overdue: string;
  /** How many are signalled per second at most. */
  perSecond: number;
  /** ISO 8601: when the fault was fixed. */
  at: string;
  by: string;
  /** Id of the request, which counts once for each report. */
  requestId: string;
  /** A repeated round: the reports were signalled before, so the step that each run waits for is retried at once. */
  isRetry?: boolean;
}

export interface ClearedReports {
  /** The last report that was signalled. */
  after: string;
  /** No report is left. */
  isDone: boolean;
}

/** How long a report may take from its signal to its closing, in ms. A single report that is cleared meanwhile waits as long. */
const maxLag = 400;

/** The minimum number of reports in flight. With these, the rate at which the runs follow can be measured. */
const minInFlight = 20;

/** How long one call lasts, and the pause between two queries; ms. */
const [duration, pause] = [5_000, 100];

/**
 * Signals the next open reports of a service problem that they are cleared, for five seconds, as fast as their runs follow. Safe to
 * repeat: a signal with the same id counts once.
 */
export async function clearReports({ serviceProblems, runs }: Deps, request: ClearReports): Promise<ClearedReports> {
  const { serviceProblemId, overdue, perSecond, at, by, requestId, isRetry } = request;
  const fixedAt = new Date(at);
  const startedAt = performance.now();
  let { after } = request;
  let lookedAt = startedAt - pause;
  let due = 0;
  for (; performance.now() - startedAt < duration; await sleep(pause)) {
    const flow = await serviceProblems.flow({ serviceProblemId, fixedAt, after, overdue });
    // Caps the backlog, so that missed signals are not sent in one burst.
    due = Math.min(due + (perSecond * (performance.now() - lookedAt)) / second, Math.max(1, perSecond / 2));
    lookedAt = performance.now();
    const limit = Math.min(Math.floor(due), maxInFlight(flow) - flow.inFlight);
    if (limit <= 0) continue;
    const reports = await serviceProblems.nextOpen(serviceProblemId, fixedAt, after, limit);
    const payload = { at, by, id: requestId, receivedAt: now().toISOString(), bulk: true };
    // A report that cannot be signalled does not follow, so the next round signals it again.
    await inParallel('signal a report of the service problem', reports, async (report) => {
      await runs.signal(report, signals.cleared, payload);
      if (isRetry) await runs.update('retryNow', report.id, { by }).catch(ignoreRefused);
    });
    if (reports.length === 0) return { after, isDone: true };
    due -= reports.length;
    after = reports.at(-1)?.id ?? after;
  }
  return { after, isDone: false };
}

/** As many as follow within `maxLag`; fewer while it is exceeded, as the runs' steps after the closing take their time, too. */
function maxInFlight({ followedPerSecond, lag }: Flow): number {
  const keepsUp = Math.min(1, maxLag / lag);
  return Math.max(minInFlight, Math.ceil((followedPerSecond * maxLag * keepsUp) / second));
}

/** Its run waits for nothing that could be tried, or has ended. */
function ignoreRefused(error: unknown): void {
  if (!hasCode(error, 'StatusConflict', 'NoRun')) throw error;
}

export interface CountReports {
  serviceProblemId: string;
  /** ISO 8601: when the fault was fixed. */
  at: string;
  /** The last report that was signalled; empty: none was; undefined: the round is over. */
  after?: string;
  requestId: string;
}

/** Counts how far the reports of a service problem have followed. Reads only. */
export async function countReports({ serviceProblems }: Deps, { at, ...rest }: CountReports): Promise<CountedReports> {
  return serviceProblems.count({ ...rest, fixedAt: new Date(at) });
}
