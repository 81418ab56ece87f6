/**
 * A circuit breaker for one relay. A relay that cannot be reached, or that hangs, is asked by one mail now and then; all others fail
 * at once, with the time after which to try again.
 */
import { BrokenCircuitError, ConsecutiveBreaker, ExponentialBackoff, circuitBreaker, handleWhen } from 'cockatiel';
import { hour, second } from '../../policy/time.js';

/** The relay was not asked. `retryAfter`: ms. */
export class RelayDown extends Error {
  constructor(readonly retryAfter: number) {
    super('The mail relay does not answer.');
    this.name = 'RelayDown';
  }
}

export interface RelayBreaker {
  /** Throws `RelayDown`, or the error of `work`. */
  send(work: () => Promise<unknown>): Promise<void>;
}

/** Failures in a row after which the relay counts as down. */
const failuresUntilDown = 3;

export function relayBreaker(now: () => number = Date.now): RelayBreaker {
  let downSince: number | undefined;
  const policy = circuitBreaker(handleWhen(isUnreachable), {
    halfOpenAfter: new ExponentialBackoff({ initialDelay: 5 * second, maxDelay: 60 * second }),
    breaker: new ConsecutiveBreaker(failuresUntilDown),
  });
  policy.onBreak(() => (downSince ??= now()));
  policy.onReset(() => (downSince = undefined));
  return {
    async send(work) {
      try {
        await policy.execute(work);
      } catch (error) {
        if (downSince === undefined) throw error;
        if (error instanceof BrokenCircuitError || isUnreachable(error))
          throw new RelayDown(pauseAfter(now() - downSince));
        throw error;
      }
    },
  };
}

/** The longer the relay has been down, the longer a mail waits, up to an hour. With jitter, so that not all come back at once. */
const pauseAfter = (downFor: number): number =>
  Math.min(hour, Math.max(10 * second, downFor)) * (1 + Math.random() / 4);

/** No connection, no greeting, or no answer in time: nothing that the relay says about a mail or about us. */
function isUnreachable(error: unknown): boolean {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  return responseCode === undefined && ['ESOCKET', 'ECONNECTION', 'ETIMEDOUT', 'EDNS', 'ETLS'].includes(code ?? '');
}
