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

type Interceptor = ReturnType<typeof makeGrpcRetryInterceptor>;

/** Connects with the first call. Calls are retried as the SDK does it, but a retry on a closed channel would end the process. */
export function openConnection(options: ConnectionOptions): TemporalConnection {
  const { retryableDecider, delayFunction } = defaultGrpcRetryOptions();
  let isClosing = false;
  /** Retries that wait for their time. */
  let waiting = 0;
  const retries = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !isClosing && retryableDecider(attempt, status),
    delayFunction(attempt, status) {
      waiting++;
      return delayFunction(attempt, status);
    },
  });
  const countedRetries: Interceptor = (call, next) => {
    let isRetry = false;
    return retries(call, (attempt) => {
      if (isRetry) waiting--;
      isRetry = true;
      return next(attempt);
    });
  };
  const connection = Connection.lazy({ ...options, interceptors: [countedRetries] });
  return {
    connection,
    async close() {
      isClosing = true;
      while (waiting > 0) await setTimeout(10);
      await connection.close();
    },
  };
}
