/** Hands a mail to the relay: outside of quiet hours, and patiently while the relay refuses all our mail. */
import { ActivityFailure, condition } from '@temporalio/workflow';
import { hour, second } from '../policy/time.js';
import { raiseAlert } from './alert-operator.js';
import { attempt, type Condition } from './attempt-or-park.js';
import { codeOf, failureOf } from './failure.js';
import { fromNow, type RunState } from './run.js';
import { publish } from './visibility.js';

export interface Delivery<T> {
  /** The activity's name. */
  name: string;
  step: () => Promise<T | { holdUntil: string }>;
  waitingFor: string;
  /** The mail has been accepted or is no longer wanted. */
  until: Condition;
  /** Ends the wait for quiet hours, because the step has to look again. */
  wakeUp: Condition;
  /** When to stop waiting for a relay that refuses all our mail; ms since 1970. */
  giveUpAt: number;
  /** A mail that would have to wait for longer is not worth sending; ms since 1970. */
  notAfter?: number;
}

/** Returns the step's result, or why the relay refused the mail for good, or neither if `until` became true first. */
export async function deliverMail<T extends object>(
  run: RunState,
  { name, step, waitingFor, until, wakeUp, giveUpAt, notAfter = Infinity }: Delivery<T>,
): Promise<{ sent?: T; refused?: string }> {
  for (let attempts = 1; !until(); attempts++) {
    publish(run, { waitingFor });
    try {
      const sent = await attempt(run, step, until);
      if (!sent) return {};
      if (!('holdUntil' in sent)) return { sent };
      if (Date.parse(sent.holdUntil) >= notAfter) return {};
      await waitForQuietHours(run, sent.holdUntil, wakeUp);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const failure = failureOf(error);
      if (failure !== 'MailMisconfigured' || Date.now() >= giveUpAt) return { refused: failure };
      await waitForRelay(run, name, failure, attempts, until);
    }
  }
  return {};
}

async function waitForQuietHours(run: RunState, end: string, wakeUp: Condition): Promise<void> {
  publish(run, { waitingFor: "the customer's quiet hours to end", until: end });
  const left = Math.max(second, Date.parse(end) - Date.now());
  await condition(wakeUp, left, { summary: 'Quiet hours of the customer' });
}

async function waitForRelay(
  run: RunState,
  step: string,
  failure: string,
  attempts: number,
  until: Condition,
): Promise<void> {
  const since = run.attention?.since ?? new Date().toISOString();
  run.attention = { step, code: codeOf(failure), failure, since };
  await raiseAlert({ kind: 'relay', failure, since });
  const pause = Math.min(hour, 10 * second * 2 ** Math.min(attempts - 1, 9));
  publish(run, { waitingFor: 'the mail relay to accept our mail', until: fromNow(pause) });
  const { retries } = run;
  await condition(() => until() || run.retries !== retries, pause, { summary: 'Until the relay is tried again' });
  delete run.attention;
}
