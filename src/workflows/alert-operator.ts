/** An alert is a workflow of its own: a relay that is down for days must not hold up the report's next cycle. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { alertIdOf } from '../contract/ids.js';
import { alertWorkflow, type Alert } from '../contract/messages.js';
import { retryWhileRelayRefusesUs } from './relay.js';
import * as steps from './steps.js';

/** How long an alert about a cause waits for more reports with the same one. */
const gathering = { attention: '5s', undeliverable: '5s', stuck: '5s' } as const;

export async function alertOperator(alert: Alert): Promise<void> {
  if (Object.hasOwn(gathering, alert.kind))
    await sleep(gathering[alert.kind as keyof typeof gathering], {
      summary: 'Until all that failed together are counted',
    });
  await retryWhileRelayRefusesUs(() => steps.alertOperator(alert));
}

/** The workflow id identifies the alert: many reports behind one broken relay raise one alert. */
export async function raiseAlert(alert: Alert): Promise<void> {
  const options = {
    workflowId: alertIdOf(alert),
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `Alert the operator: ${alert.kind}`,
  } as const;
  await startChild(alertWorkflow, { ...options, args: [alert] }).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });
}
