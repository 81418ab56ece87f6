import { CloseoutError } from '../contract/errors.js';
import { signals } from '../contract/messages.js';
import type { CountedReports } from '../outside/reports/service-problems.js';
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
  /** Id of the request, which counts once for each report. */
  requestId: string;
  /** They were signalled in an earlier round: whatever their runs wait for is tried at once. */
  isRetry?: boolean;
}

export interface ClearedReports {
  /** The last report that was looked at; undefined if none was left. */
  last?: string;
}

/** Signals the next open reports of a service problem that they are cleared. Safe to repeat: a signal with the same id counts once. */
export async function clearReports(
  { serviceProblems, runs }: Deps,
  { serviceProblemId, after, limit, at, by, requestId, isRetry }: ClearReports,
): Promise<ClearedReports> {
  const reports = await serviceProblems.nextOpen(serviceProblemId, new Date(at), after, limit);
  const payload = { at, by, id: requestId, receivedAt: new Date().toISOString(), bulk: true };
  // A report that cannot be signalled does not follow, so the next round signals it again.
  await inParallel(reports, async (report) => {
    await runs.signal(report, signals.cleared, payload);
    if (isRetry) await runs.update('retryNow', report.id, { by }).catch(ignoreRefused);
  });
  return { last: reports.at(-1)?.id };
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
  overdue: string;
  requestId: string;
}

/** Counts how far the reports of a service problem have followed. Reads only. */
export async function countReports({ serviceProblems }: Deps, { at, ...rest }: CountReports): Promise<CountedReports> {
  return serviceProblems.count({ ...rest, fixedAt: new Date(at) });
}
