/** An alert is a run of its own: a mail server that is down for days must not hold up the report's next cycle. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import * as steps from './steps.js';

export interface AlertInput {
  reportId: string;
  cycle: number;
}

export async function alertOperator(input: AlertInput): Promise<void> {
  await steps.alertOperator(input);
}

/** One alert a cycle: the workflow id says so. */
export async function startAlert(reportId: string, cycle: number): Promise<void> {
  try {
    await startChild(alertOperator, {
      workflowId: `alert:low-score:${reportId}:${cycle}`,
      args: [{ reportId, cycle }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: `Low score for report ${reportId}, cycle ${cycle}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
