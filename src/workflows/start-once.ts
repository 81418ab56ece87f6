/** Starts a workflow that outlives the run that starts it. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, type ChildWorkflowOptions } from '@temporalio/workflow';

/** Does nothing if a workflow with this id was started before. */
export async function startOnce(type: string, options: ChildWorkflowOptions & { args: unknown[] }): Promise<void> {
  try {
    await startChild(type, { ...options, parentClosePolicy: ParentClosePolicy.ABANDON });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
