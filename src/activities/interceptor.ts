/** Wraps every activity: heartbeats while it works, and turns its errors into failures. */
import { heartbeat } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { toFailure } from './to-failure.js';

/** Well below the steps' heartbeatTimeout. A fast activity ends before its first heartbeat. */
const heartbeatIntervalMs = 1000;

export function interceptActivities(log: Logger): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const timer = setInterval(() => heartbeat(), heartbeatIntervalMs);
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
            reason: failure.message,
          });
          throw failure;
        } finally {
          clearInterval(timer);
        }
      },
    },
  });
}
