/** An alert is a run of its own: a mail server that is down for days must not hold up the report's next cycle. */
import { ActivityFailure, sleep } from '@temporalio/workflow';
import { alertIdOf } from '../contract/ids.js';
import { alertWorkflow, type Alert } from '../contract/messages.js';
import { failureOf } from './failure.js';
import { startOnce } from './start-once.js';
import * as steps from './steps.js';

const minute = 60_000;
const giveUpAfter = 14 * 24 * 60 * minute;

export async function alertOperator(alert: Alert): Promise<void> {
  await untilTaken(() => steps.alertOperator(alert));
}

/** Tries until the relay takes the mail, also where it is the relay that the mail is about. */
export async function untilTaken(step: () => Promise<void>): Promise<void> {
  const begun = Date.now();
  for (let pause = minute / 6; ; pause = Math.min(60 * minute, 2 * pause)) {
    try {
      return await step();
    } catch (error) {
      const isRelay = error instanceof ActivityFailure && failureOf(error) === 'MailMisconfigured';
      if (!isRelay || Date.now() > begun + giveUpAfter) throw error;
      await sleep(pause);
    }
  }
}

/** The workflow id says what is one alert: many reports behind one broken relay make one. */
export async function callOperator(alert: Alert): Promise<void> {
  await startOnce(alertWorkflow, {
    workflowId: alertIdOf(alert),
    args: [alert],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    staticSummary: `Alert the operator: ${alert.kind}`,
  });
}
