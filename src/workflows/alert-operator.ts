/** An alert is a workflow of its own: a relay that is down for days must not hold up the report's next cycle. */
import { ActivityFailure, sleep } from '@temporalio/workflow';
import { alertIdOf } from '../contract/ids.js';
import { alertWorkflow, type Alert } from '../contract/messages.js';
import { day, hour, second } from '../policy/time.js';
import { failureOf } from './failure.js';
import { startOnce } from './start-once.js';
import * as steps from './steps.js';

const giveUpAfter = 14 * day;

export async function alertOperator(alert: Alert): Promise<void> {
  await retryUntilRelayAccepts(() => steps.alertOperator(alert));
}

/** Retries until the relay accepts the mail, even when the alert is about the relay itself. */
export async function retryUntilRelayAccepts(step: () => Promise<void>): Promise<void> {
  const startedAt = Date.now();
  let pause = 10 * second;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      const isRelay = error instanceof ActivityFailure && failureOf(error) === 'MailMisconfigured';
      if (!isRelay || Date.now() > startedAt + giveUpAfter) throw error;
      await sleep(pause, { summary: 'Until the relay is tried again' });
      pause = Math.min(hour, 2 * pause);
    }
  }
}

/** The workflow id identifies the alert: many reports behind one broken relay raise one alert. */
export async function raiseAlert(alert: Alert): Promise<void> {
  await startOnce(alertWorkflow, {
    workflowId: alertIdOf(alert),
    args: [alert],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    staticSummary: `Alert the operator: ${alert.kind}`,
  });
}
