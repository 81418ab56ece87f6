/** Around every activity: heartbeats while it works, and errors turned into failures in the one place that may. */
import { heartbeat } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { toFailure } from './to-failure.js';

/** Well under the steps' heartbeatTimeout; a fast activity ends before the first. */
const everyMs = 1000;

export function interceptActivities(log: Logger): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const beat = setInterval(() => heartbeat(), everyMs);
        try {
          return await next(input);
        } catch (error) {
          if (error instanceof CancelledFailure) throw error;
          const failure = toFailure(error);
          const { activityType, attempt, workflowExecution } = info;
          log.warn({
            activity: activityType,
            attempt,
            run: workflowExecution?.workflowId,
            failure: failure.type,
            said: failure.message,
          });
          throw failure;
        } finally {
          clearInterval(beat);
        }
      },
    },
  });
}
