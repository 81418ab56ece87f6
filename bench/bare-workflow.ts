/** What Closeout is compared with: the first workflow a Temporal user would write, without phases and visibility. */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BareActivities } from './bare-worker.js';

const { closeReport, sendMail } = proxyActivities<BareActivities>({ startToCloseTimeout: '1m' });

export async function bareClosing(reportId: string): Promise<void> {
  let cleared = false;
  setHandler(defineSignal('cleared'), () => {
    cleared = true;
  });
  await condition(() => cleared);
  await closeReport(reportId);
  await sendMail(reportId);
}
