/**
 * What each local activity of a run has to be protected from, because SDK 1.24 does not (measured, test/faults/order.test.ts).
 *
 * A worker that was paused begins workflow tasks a while after the server has handed them out. One times out then, although it is worked at. If
 * the run's next task comes while a local activity of the first one runs, the SDK goes on with both. But a replay sees the messages of both at
 * once, and does not fit the history. So such a task fails here, and starts over from the history: all of these activities are idempotent.
 *
 * If a local activity is cancelled just as it ends, its task fails as not deterministic. So none is cancelled: it ends by itself.
 */
import { ApplicationFailure, CancellationScope, workflowInfo, type WorkflowInterceptors } from '@temporalio/workflow';

/** Those of one run. */
export function interceptors(): WorkflowInterceptors {
  let running = 0;
  let isOvertaken = false;
  /** The last task that came from the server. `startedAt`: by the server's clock, ms since 1970. */
  let last = { startedAt: 0, isReplayed: true };
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
          const { jobs } = input.activation;
          const ends = jobs?.some(({ resolveActivity }) => resolveActivity?.isLocal);
          if (jobs?.some(({ resolveActivity, queryWorkflow }) => !resolveActivity?.isLocal && !queryWorkflow)) {
            const { taskTimeoutMs, unsafe } = workflowInfo();
            const task = { startedAt: Date.now(), isReplayed: unsafe.isReplaying };
            // A task that the SDK prolongs for a local activity is followed by the next one before it times out.
            const isLate = task.startedAt - last.startedAt >= taskTimeoutMs;
            isOvertaken ||= running > 0 && !last.isReplayed && isLate;
            last = task;
          }
          if (isOvertaken && ends)
            throw ApplicationFailure.create({
              type: 'TaskTimedOut',
              message: 'The workflow task had timed out. It starts over.',
            });
          next(input);
        },
      },
    ],
  };
}
