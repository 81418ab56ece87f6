/** Tries a step; when it is refused for good the run parks in `needsAttention` and waits for an operator. */
import { ActivityFailure, CancellationScope, TimeoutFailure, condition, isCancellation } from '@temporalio/workflow';
import type { Alert } from '../contract/messages.js';
import { failureOf } from './failure.js';
import { callOperator } from './alert-operator.js';
import type { Run } from './run.js';
import { show } from './visibility.js';

/**
 * Runs a step until it is done or `stop` becomes true, whichever comes first; `retryNow` starts it anew at once.
 * Undefined: it was stopped. Throws when the step failed for good.
 */
export async function attempt<T>(run: Run, step: () => Promise<T>, stop: () => boolean): Promise<T | undefined> {
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
      if (late) return late.value; // it ended in the same moment
    } catch (error) {
      if (run.retries === retries) throw error; // else another try was asked for just as this one failed
    } finally {
      waiting.cancel();
      await interrupted.catch(ignoreCancellation);
    }
  }
  return undefined;
}

/** Like `attempt`, but never throws: what fails for good waits for `retryNow`, `closeByHand` or `stop`. */
export async function attemptOrPark<T>(
  run: Run,
  name: string,
  step: () => Promise<T>,
  stop: () => boolean,
): Promise<T | undefined> {
  for (;;) {
    try {
      return await attempt(run, step, stop);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const { retries, reportId } = run;
      run.closeByHand = false; // asked for before this failure, so it did not help
      const attention = { step: name, failure: reasonOf(error) };
      const stopped = await park(run, {
        ...{ ...attention, waitingFor: 'an operator', stop },
        helped: () => stop() || run.retries !== retries || run.closeByHand,
        alert: { kind: 'attention', reportId, ...attention },
      });
      if (stopped) return undefined;
    }
  }
}

type Without<T> = T extends unknown ? Omit<T, 'since' | 'day'> : never;

export interface Parking {
  step: string;
  failure: string;
  waitingFor: string;
  helped: () => boolean;
  /** Asked while the run is still parked. */
  stop: () => boolean;
  /** Told at once, and again each day. */
  alert: Without<Extract<Alert, { kind: 'attention' | 'unconfirmed' }>>;
}

/** Waits in `needsAttention` until somebody has helped, then goes back to the phase it came from. Returns what `stop` says. */
export async function park(run: Run, { step, failure, waitingFor, helped, stop, alert }: Parking): Promise<boolean> {
  const { phase } = run;
  const since = new Date().toISOString();
  run.phase = 'needsAttention';
  run.attention = { step, failure, since };
  show(run, { waitingFor });
  for (let day = 0; !helped(); day++) {
    await callOperator({ ...alert, since, day });
    await condition(helped, '1 day', { summary: 'Until an operator is reminded' });
  }
  const stopped = stop();
  delete run.attention;
  run.phase = phase;
  return stopped;
}

function reasonOf(error: ActivityFailure): string {
  const last = error.cause instanceof TimeoutFailure ? error.cause.cause : error.cause;
  return `${failureOf(error)}: ${last?.message ?? 'no answer in time'}`;
}

function ignoreCancellation(error: unknown): undefined {
  // A step that failed just as it was stopped has nobody left to tell; what it did is idempotent.
  if (isCancellation(error) || error instanceof ActivityFailure) return undefined;
  throw error;
}
