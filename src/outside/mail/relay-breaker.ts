/**
 * A circuit breaker for one relay. A relay that cannot be reached, or that hangs, is asked by one mail now and then; all others fail
 * at once, with the time after which to try again. It is our own, because cockatiel's uses the wall clock: when that is set back by an
 * hour, no mail is sent for an hour.
 */
import { hour, second } from '../../policy/time.js';

/** The relay was not asked. `retryAfter`: ms. `cause`: why it could not be reached the last time. */
export class RelayDown extends Error {
  constructor(
    readonly retryAfter: number,
    cause: unknown,
  ) {
    super('The mail relay does not answer.', { cause });
    this.name = 'RelayDown';
  }
}

/** Throws `RelayDown`, or the error of `work`. */
export type AskRelay = (work: () => Promise<unknown>) => Promise<void>;

/** Failures in a row after which the relay counts as down. */
const failuresUntilDown = 3;

/** Between two mails that ask a relay that is down. Doubles with each. */
const trialPause = { first: 5 * second, longest: 60 * second };

interface Down {
  since: number;
  pause: number;
  /** When the next mail may ask. */
  trialAt: number;
}

/** `now`: ms, of a clock that never jumps. */
export function relayBreaker(now: () => number = () => performance.now()): AskRelay {
  let failures = 0;
  let lastFailure: unknown;
  let down: Down | undefined;

  const succeeded = () => {
    failures = 0;
    down = undefined;
  };
  const failed = (trial: Down | undefined, error: unknown) => {
    failures++;
    lastFailure = error;
    const since = down?.since ?? now();
    const pause = trial ? Math.min(trialPause.longest, 2 * trial.pause) : trialPause.first;
    if (down ? down === trial : failures >= failuresUntilDown) down = { since, pause, trialAt: now() + pause };
  };
  const relayDown = ({ since }: Down) => new RelayDown(pauseAfter(now() - since), lastFailure);

  return async (work) => {
    const trial = down;
    if (trial) {
      if (now() < trial.trialAt) throw relayDown(trial);
      trial.trialAt = Infinity; // until this mail has its answer
    }
    try {
      await work();
    } catch (error) {
      if (isStopped(error)) {
        if (trial) trial.trialAt = now(); // nobody knows, so the next mail asks
        throw error;
      }
      if (!isUnreachable(error)) {
        succeeded();
        throw error;
      }
      failed(trial, error);
      throw down ? relayDown(down) : error;
    }
    succeeded();
  };
}

/** The longer the relay has been down, the longer a mail waits, up to an hour. With jitter, so that not all come back at once. */
const pauseAfter = (downFor: number): number =>
  Math.min(hour, Math.max(10 * second, downFor)) * (1 + Math.random() / 4);

/** By ourselves, before the relay has answered. */
const isStopped = (error: unknown): boolean => (error as { code?: string }).code === 'EABORT';

/** No connection, no greeting, or no answer in time: nothing that the relay says about a mail or about us. */
function isUnreachable(error: unknown): boolean {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  return responseCode === undefined && ['ESOCKET', 'ECONNECTION', 'ETIMEDOUT', 'EDNS', 'ETLS'].includes(code ?? '');
}
