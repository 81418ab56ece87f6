/** Runs a step. If it is refused permanently, the run parks in `needsAttention` until an operator helps. */
import { ActivityFailure, CancellationScope, TimeoutFailure, condition, isCancellation } from '@temporalio/workflow';
import type { ErrorCode } from '../contract/errors.js';
import type { Alert } from '../contract/messages.js';
import { raiseAlert } from './alert-operator.js';
import { codeOf, failureOf } from './failure.js';
import type { RunState } from './run.js';
import { publish } from './visibility.js';

/** Ends a wait as soon as it returns true. */
export type Condition = () => boolean;

/**
 * Runs a step until it succeeds or `stop` becomes true, whichever comes first. `retryNow` starts it again at once. Returns
 * undefined if stopped. Throws if the step failed permanently.
 */
export async function attempt<T>(run: RunState, step: () => Promise<T>, stop: Condition): Promise<T | undefined> {
  while (!stop()) {
    const { retries } = run;
    const work = new CancellationScope();
    const waiting = new CancellationScope();
    const done = work.run(step).then((value) => ({ value }));
    const interrupted = waiting.run(() => condition(() => stop() || run.retries !== retries));
    try {
      const result = await Promise.race([done, interrupted]);
      if (result) return result.value;
      work.cancel();
      const late = await done.catch(ignoreCancellation);
      if (late) return late.value; // it succeeded at the same moment
    } catch (error) {
      if (run.retries === retries) throw error; // otherwise a retry was requested just as the step failed
    } finally {
      waiting.cancel();
      await interrupted.catch(ignoreCancellation);
    }
  }
  return undefined;
}

/** Like `attempt`, but parks the run if the step fails permanently, until `retryNow`, `closeByHand` or `stop`. */
export async function attemptOrPark<T>(
  run: RunState,
  name: string,
  step: () => Promise<T>,
  stop: Condition,
): Promise<T | undefined> {
  for (;;) {
    try {
      return await attempt(run, step, stop);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const { retries, reportId } = run;
      run.closeByHand = false; // requested before this failure, so it did not help
      const failure = reasonOf(error);
      const isStopped = await park(run, {
        step: name,
        code: codeOf(failureOf(error)),
        failure,
        waitingFor: 'an operator',
        until: () => stop() || run.retries !== retries || run.closeByHand,
        stop,
        alert: { kind: 'attention', reportId, step: name, failure },
      });
      if (isStopped) return undefined;
    }
  }
}

type Undated<T> = T extends unknown ? Omit<T, 'since' | 'day'> : never;

export interface Parking {
  step: string;
  code: ErrorCode;
  failure: string;
  waitingFor: string;
  /** Ends the parking. */
  until: Condition;
  /** Evaluated while the run is still parked; `park` returns its result. */
  stop: Condition;
  /** Raised at once, and again each day. */
  alert: Undated<Extract<Alert, { kind: 'attention' | 'unconfirmed' }>>;
}

/** Waits in `needsAttention`, then returns to the phase that the run came from. */
export async function park(
  run: RunState,
  { step, code, failure, waitingFor, until, stop, alert }: Parking,
): Promise<boolean> {
  const { phase } = run;
  const since = new Date().toISOString();
  run.phase = 'needsAttention';
  run.attention = { step, code, failure, since };
  publish(run, { waitingFor });
  for (let day = 0; !until(); day++) {
    await raiseAlert({ ...alert, since, day });
    await condition(until, '1 day', { summary: 'Until the operator is reminded' });
  }
  const isStopped = stop();
  delete run.attention;
  run.phase = phase;
  return isStopped;
}

function reasonOf(error: ActivityFailure): string {
  const last = error.cause instanceof TimeoutFailure ? error.cause.cause : error.cause;
  return `${failureOf(error)}: ${last?.message ?? 'no answer in time'}`;
}

function ignoreCancellation(error: unknown): undefined {
  // Nobody waits for a step that failed just as it was stopped, and every step is idempotent.
  if (isCancellation(error) || error instanceof ActivityFailure) return undefined;
  throw error;
}
