/** An alert is a workflow of its own: a relay that is down for days must not hold up the report's next cycle. */
import { alertIdOf } from '../contract/ids.js';
import { alertWorkflow, type Alert } from '../contract/messages.js';
import { retryWhileRelayRefusesUs } from './relay.js';
import { startOnce } from './start-once.js';
import * as steps from './steps.js';

export async function alertOperator(alert: Alert): Promise<void> {
  await retryWhileRelayRefusesUs(() => steps.alertOperator(alert));
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
