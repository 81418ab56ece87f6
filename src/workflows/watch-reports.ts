/**
 * eTOM: "monitor the status of all open customer problem reports". Run by the schedule `closeout-watch`: looks for reports with which
 * something is wrong, and wakes their runs. Also notices when PostgreSQL or Temporal was restored to an earlier time.
 */
import { defineQuery, setHandler } from '@temporalio/workflow';
import { queries, type SweepResult } from '../contract/messages.js';
import * as steps from './steps.js';

export async function watchReports(): Promise<SweepResult> {
  const startedAt = Date.now();
  const result: SweepResult = { notified: {}, failed: 0, stuck: 0, counter: 0 };
  setHandler(defineQuery<SweepResult>(queries.result), () => result, {
    description: 'How many runs were woken and why, and how many could not be woken.',
  });
  const { restored, counter } = await steps.findRestored();
  if (restored === 'temporal') await wakeUnfinished(result);
  let isRestored = true;
  if (restored === 'database') {
    const { isComplete, ...page } = await steps.restoreLedger();
    addRestored(result, page);
    isRestored = isComplete;
  }
  const { notified, failed, stuck, endedUntil } = await steps.sweepReports();
  Object.assign(result.notified, notified);
  result.failed += failed;
  result.stuck = stuck;
  result.counter = await steps.recordSweep({
    ...result,
    tookMs: Date.now() - startedAt,
    atLeast: counter,
    isRestored,
    endedUntil: isRestored ? endedUntil : undefined,
  });
  return result;
}

async function wakeUnfinished(result: SweepResult): Promise<void> {
  let after: string | undefined = '';
  while (after !== undefined) {
    const page: Awaited<ReturnType<typeof steps.wakeUnfinished>> = await steps.wakeUnfinished({ after });
    addRestored(result, page);
    after = page.next;
  }
}

function addRestored(result: SweepResult, { woken, failed }: { woken: number; failed: number }): void {
  result.notified.restored = (result.notified.restored ?? 0) + woken;
  result.failed += failed;
}
