/**
 * Protects the local activities of a run from two faults of SDK 1.24 (measured, test/faults/order.test.ts).
 *
 * A worker that was paused starts a workflow task late, and the task may time out while one of its local activities still runs. If the run's
 * next task arrives meanwhile, the SDK applies it to the same run. A replay, however, sees the messages of both tasks at once, and does not
 * match the history. Such a task fails here, and starts over from the history: that is safe, because all activities are idempotent.
 *
 * A local activity that is cancelled just as it ends fails its task as nondeterministic. So none is cancelled: each ends by itself.
 */
import {
  ApplicationFailure,
  CancellationScope,
  workflowInfo,
  type ActivateInput,
  type WorkflowInterceptors,
} from '@temporalio/workflow';

/** A local activity has ended. */
const endsLocalActivity = ({ activation: { jobs } }: ActivateInput): boolean =>
  jobs?.some(({ resolveActivity }) => resolveActivity?.isLocal) ?? false;

/** The server has sent a workflow task. */
const beginsTask = ({ activation: { jobs } }: ActivateInput): boolean =>
  jobs?.some(({ resolveActivity, queryWorkflow }) => !resolveActivity?.isLocal && !queryWorkflow) ?? false;

/** The SDK calls this once per run. */
export function interceptors(): WorkflowInterceptors {
  let running = 0;
  let hasTimedOut = false;
  /** `startedAt`: by the server's clock, ms since 1970. */
  let lastTask = { startedAt: 0, isReplayed: true };
  return {
    outbound: [
      {
        scheduleLocalActivity: async (input, next) => {
          running++;
          try {
            return await CancellationScope.nonCancellable(() => next(input));
          } finally {
            running--;
          }
        },
      },
    ],
    internals: [
      {
        activate: (input, next) => {
          if (beginsTask(input)) {
            const { taskTimeoutMs, unsafe } = workflowInfo();
            const task = { startedAt: Date.now(), isReplayed: unsafe.isReplaying };
            // A task that the SDK prolongs for a local activity is followed by the next one before it times out.
            const isLate = task.startedAt - lastTask.startedAt >= taskTimeoutMs;
            hasTimedOut ||= running > 0 && !lastTask.isReplayed && isLate;
            lastTask = task;
          }
          if (hasTimedOut && endsLocalActivity(input)) throw taskTimedOut();
          next(input);
        },
      },
    ],
  };
}

const taskTimedOut = () =>
  ApplicationFailure.create({ type: 'TaskTimedOut', message: 'The workflow task had timed out. It starts over.' });
