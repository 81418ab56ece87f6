/** The workflows that clear service problems. */
import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { massClearIdOf, serviceProblemIdOf } from '../../contract/ids.js';
import {
  massClearSignal,
  massClearWorkflow,
  queries,
  taskQueue,
  type MassClearInput,
  type MassClearProgress,
} from '../../contract/messages.js';
import { literal } from '../../contract/markdown.js';
import { callTemporal, shortDeadline, undefinedIfUnknown } from './calls.js';
import { findIds } from './search.js';

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface ServiceProblems {
  /** Starts clearing. If this service problem is being cleared already, it is cleared once more after that. */
  clear(input: MassClearInput): Promise<void>;
  /** Undefined if this service problem was never cleared. */
  progress(serviceProblemId: string): Promise<MassClearProgress | undefined>;
  /** The clearing ended before it was done: somebody terminated or cancelled it, or it failed. */
  isStopped(serviceProblemId: string): Promise<boolean>;
  /** Ids of the service problems that are being cleared. */
  beingCleared(limit: number): Promise<string[]>;
}

const stopped: WorkflowExecutionStatusName[] = ['TERMINATED', 'CANCELLED', 'FAILED', 'TIMED_OUT'];

export function serviceProblemRuns(temporal: Client): ServiceProblems {
  return {
    async clear(input) {
      const { serviceProblemId } = input;
      const options = {
        workflowId: massClearIdOf(serviceProblemId),
        taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [input],
        signal: massClearSignal,
        signalArgs: [input] as [MassClearInput],
        staticSummary: `Clear every report of service problem ${literal(serviceProblemId)}`,
      } as const;
      await callTemporal(temporal, () => temporal.workflow.signalWithStart(massClearWorkflow, options));
    },

    progress(serviceProblemId) {
      const handle = temporal.workflow.getHandle(massClearIdOf(serviceProblemId));
      const ask = () => handle.query<MassClearProgress>(queries.progress);
      return callTemporal(temporal, ask, shortDeadline).catch(undefinedIfUnknown);
    },

    isStopped(serviceProblemId) {
      const handle = temporal.workflow.getHandle(massClearIdOf(serviceProblemId));
      return callTemporal(temporal, async () => stopped.includes((await handle.describe()).status.name));
    },

    beingCleared(limit) {
      const running = `WorkflowType="${massClearWorkflow}" AND ExecutionStatus="Running"`;
      return findIds(temporal, running, limit, serviceProblemIdOf, shortDeadline);
    },
  };
}
