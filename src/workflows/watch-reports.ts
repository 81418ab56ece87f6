/**
 * eTOM: "monitor the status of all open customer problem reports". Run by the schedule `closeout-watch`: compares every report in
 * the system of record with what its run knows, page by page, and tells the runs what they missed.
 */
import { continueAsNew, defineQuery, setHandler, workflowInfo } from '@temporalio/workflow';
import { queries, type SweepResult } from '../contract/messages.js';
import * as steps from './steps.js';

/** Where a sweep goes on after continue-as-new. */
interface Sweep {
  after: string;
  begun: number;
  result: SweepResult;
}

export async function watchReports(carried?: Sweep): Promise<SweepResult> {
  const sweep: Sweep = carried ?? {
    after: '',
    begun: Date.now(),
    result: { reports: 0, told: {}, failed: 0, pages: 0 },
  };
  const { result } = sweep;
  setHandler(defineQuery<SweepResult>(queries.result), () => result, {
    description: 'How many reports were looked at, what their runs were told, how many could not be told.',
  });
  for (let next: string | undefined = sweep.after; next !== undefined;) {
    const page: Awaited<ReturnType<typeof steps.sweepPage>> = await steps.sweepPage({ after: next });
    add(result, page);
    next = page.next;
    if (next !== undefined && workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof watchReports>({ ...sweep, after: next });
  }
  const { answered, confirmed, failed } = await steps.tellAnswers();
  if (answered > 0) result.told.answered = answered;
  if (confirmed > 0) result.told.confirmed = confirmed;
  result.failed += failed;
  await steps.noteSweep({ ...result, tookMs: Date.now() - sweep.begun });
  return result;
}

function add(result: SweepResult, page: Pick<SweepResult, 'told' | 'failed' | 'reports'>): void {
  result.pages++;
  result.reports += page.reports;
  result.failed += page.failed;
  for (const kind of ['started', 'cleared', 'reopened', 'cancelled'] as const)
    if (page.told[kind]) result.told[kind] = (result.told[kind] ?? 0) + page.told[kind];
}
