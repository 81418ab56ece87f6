/** An alert is a workflow of its own: a relay that is down for days must not hold up the report's next cycle. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { alertIdOf } from '../contract/ids.js';
import { alertWorkflow, type Alert } from '../contract/messages.js';
import { day } from '../policy/time.js';
import { retryWhileRelayRefusesUs } from './relay.js';
import * as steps from './steps.js';

/** Gathers all reports with one cause, and has an id per day. */
type GatheringAlert = Extract<Alert, { kind: 'attention' | 'undeliverable' | 'stuck' }>;
const isGathering = (alert: Alert): alert is GatheringAlert =>
  alert.kind === 'attention' || alert.kind === 'undeliverable' || alert.kind === 'stuck';

export async function alertOperator(alert: Alert): Promise<void> {
  const send = () => retryWhileRelayRefusesUs(() => steps.alertOperator(alert));
  if (!isGathering(alert)) return void (await send());
  const endOfDay = Date.parse(alert.at.slice(0, 10)) + day;
  await sleep('5s', { summary: 'Until all that failed together are counted' });
  // What was over within seconds needs no mail. But this alert's id is taken, and it may happen again today.
  while (!(await send()) && Date.now() < endOfDay)
    await sleep('10m', { summary: 'Until it is checked whether it has happened again' });
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
