/** Wraps every activity: heartbeats while it works, turns its errors into failures, and spreads retries over time. */
import { heartbeat, type Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { originOf } from '../contract/error-details.js';
import { minute, second } from '../policy/time.js';
import { toFailure } from './to-failure.js';

/** Well below the steps' heartbeatTimeout. A fast activity ends before its first heartbeat. */
const heartbeatIntervalMs = 1000;

export function interceptActivities(log: Logger): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const timer = info.isLocal ? undefined : setInterval(() => heartbeat(), heartbeatIntervalMs);
        try {
          return await next(input);
        } catch (error) {
          if (error instanceof CancelledFailure) throw error;
          const failure = toFailure(error);
          if (failure.category !== 'BENIGN') report(log, info, failure, error);
          throw withJitter(failure, info.attempt);
        } finally {
          clearInterval(timer);
        }
      },
    },
  });
}

/** What happened, without anything that a relay or a database quotes from a customer. */
function report(
  log: Logger,
  { activityType, attempt, workflowExecution }: Info,
  failure: ApplicationFailure,
  error: unknown,
) {
  const { type, message: reason } = failure;
  const run = workflowExecution?.workflowId;
  const details = type === 'Unexpected' ? originOf(error) : {};
  log.warn({ activity: activityType, attempt, run, failure: type, reason, ...details });
}

/** After about 1 s, 2 s, 4 s … at most 5 minutes apart, so that many that failed together do not come back together. */
function withJitter(failure: ApplicationFailure, attempt: number): ApplicationFailure {
  if (failure.nonRetryable || failure.nextRetryDelay) return failure;
  const pause = Math.min(5 * minute, second * 2 ** Math.min(attempt - 1, 9));
  const { message } = failure;
  const type = failure.type ?? 'Unexpected';
  return ApplicationFailure.create({ type, message, nextRetryDelay: pause * (0.5 + Math.random() / 2) });
}
