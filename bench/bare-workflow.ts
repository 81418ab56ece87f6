/** The floor that Closeout is measured against: what any Temporal user would write first. No phases, no visibility. */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BareActivities } from './bare-worker.js';

const { closeReport, sendMail } = proxyActivities<BareActivities>({ startToCloseTimeout: '1m' });

export async function bareClosing(reportId: string): Promise<void> {
  let cleared = false;
  setHandler(defineSignal('cleared'), () => void (cleared = true));
  await condition(() => cleared);
  await closeReport(reportId);
  await sendMail(reportId);
}
