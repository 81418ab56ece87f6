/** Starts what goes on by itself, whatever becomes of the run that started it. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, type ChildWorkflowOptions } from '@temporalio/workflow';

/** The workflow id says what is one and the same: started before, it is not started again. */
export async function startOnce(type: string, options: ChildWorkflowOptions & { args: unknown[] }): Promise<void> {
  try {
    await startChild(type, { ...options, parentClosePolicy: ParentClosePolicy.ABANDON });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
