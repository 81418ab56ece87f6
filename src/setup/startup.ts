/** What a process needs before it is ready. */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import type { Logger } from 'pino';
import { loggedError } from '../contract/error-details.js';
import { isWorthRetrying } from '../contract/errors.js';

/** Whatever is not there yet may still be starting. Errors that only an operator can correct end the process. */
export async function untilDone(log: Logger, what: string, work: () => Promise<void>): Promise<void> {
  const policy = retry(handleWhen(isWorthRetrying), {
    maxAttempts: 10,
    backoff: new ExponentialBackoff({ maxDelay: 10_000 }),
  });
  policy.onFailure(({ reason, handled }) => {
    const error = 'error' in reason ? reason.error : new Error('unknown');
    if (handled) log.warn(loggedError(error), `cannot ${what} yet`);
  });
  await policy.execute(work);
}

/**
 * Before a process begins to work, SIGINT and SIGTERM end it at once: nothing is half done. Call the returned function when the work
 * begins.
 */
export function endOnSignal(note: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const end = () => {
    note();
    process.exit();
  };
  for (const signal of signals) process.once(signal, end);
  return () => {
    for (const signal of signals) process.off(signal, end);
  };
}
