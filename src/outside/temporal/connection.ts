/** A connection to Temporal that can be closed while calls are on their way. */
import { setTimeout } from 'node:timers/promises';
import {
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';

export interface TemporalConnection {
  connection: Connection;
  /** Fails the calls that are on their way. */
  close: () => Promise<void>;
}

/** Connects with the first call. Calls are retried as the SDK does it, but a retry on a closed channel would end the process. */
export function openConnection(options: ConnectionOptions): TemporalConnection {
  const { retryableDecider, delayFunction } = defaultGrpcRetryOptions();
  let isClosing = false;
  let lastRetryAt = 0;
  const retries = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !isClosing && retryableDecider(attempt, status),
    delayFunction(attempt, status) {
      const delay = delayFunction(attempt, status);
      lastRetryAt = Math.max(lastRetryAt, performance.now() + delay);
      return delay;
    },
  });
  const connection = Connection.lazy({ ...options, interceptors: [retries] });
  return {
    connection,
    async close() {
      isClosing = true;
      const untilLastRetry = lastRetryAt - performance.now();
      if (untilLastRetry > 0) await setTimeout(Math.ceil(untilLastRetry) + 1);
      await connection.close();
    },
  };
}
