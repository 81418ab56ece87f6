/**
 * eTOM: "monitor the status of all open customer problem reports". Run by the schedule `closeout-watch`: compares every report in
 * the system of record with what its run knows, page by page, and notifies runs of what they missed.
 */
import { continueAsNew, defineQuery, setHandler, workflowInfo } from '@temporalio/workflow';
import { queries, type SweepResult } from '../contract/messages.js';
import * as steps from './steps.js';

/** Plain JSON, so that continue-as-new can carry all of it. */
interface Sweep {
  /** The last report that was looked at. */
  after: string;
  startedAt: number;
  result: SweepResult;
}

export async function watchReports(carried?: Sweep): Promise<SweepResult> {
  const sweep = carried ?? newSweep();
  const { result } = sweep;
  setHandler(defineQuery<SweepResult>(queries.result), () => result, {
    description: 'How many reports were compared, of what runs were notified, and how many could not be notified.',
  });
  let isLastPage = false;
  while (!isLastPage) {
    const page = await steps.sweepPage({ after: sweep.after });
    add(result, page);
    isLastPage = page.next === undefined;
    sweep.after = page.next ?? sweep.after;
    if (!isLastPage && workflowInfo().continueAsNewSuggested) await continueAsNew<typeof watchReports>(sweep);
  }
  const { answered, confirmed, failed } = await steps.notifyRunsOfAnswers();
  if (answered > 0) result.notified.answered = answered;
  if (confirmed > 0) result.notified.confirmed = confirmed;
  result.failed += failed;
  await steps.recordSweep({ ...result, tookMs: Date.now() - sweep.startedAt });
  return result;
}

const newSweep = (): Sweep => ({
  after: '',
  startedAt: Date.now(),
  result: { reports: 0, notified: {}, failed: 0, pages: 0 },
});

function add(result: SweepResult, page: Pick<SweepResult, 'notified' | 'failed' | 'reports'>): void {
  result.pages++;
  result.reports += page.reports;
  result.failed += page.failed;
  for (const kind of ['started', 'cleared', 'reopened', 'cancelled'] as const) {
    const count = page.notified[kind] ?? 0;
    if (count > 0) result.notified[kind] = (result.notified[kind] ?? 0) + count;
  }
}
