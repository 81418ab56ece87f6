/** Hands a mail to the relay: outside of quiet hours, and patiently while the relay refuses all our mail. */
import type { Attention } from '../contract/reports.js';
import { hour, second } from '../policy/time.js';
import { raiseAlert } from './alert-operator.js';
import { codeOf, failureOf, isStepFailure, undefinedIfRetryable } from './failure.js';
import { refusesUs, relayPause } from './relay.js';
import { fromNow, type RunState } from './run.js';
import * as steps from './steps.js';
import { publish, publishBriefly } from './visibility.js';
import { attempt, wait, type Condition } from './waiting.js';

export interface Delivery<T> {
  /** The activity's name. */
  name: string;
  step: (mail: steps.MailSteps) => Promise<T | { postponedUntil: string }>;
  waitingFor: string;
  /** Stops the delivery. */
  isUnwanted: Condition;
  /** Ends the wait for quiet hours, because the step has to look again. */
  wakeUp: Condition;
  /** When to stop waiting for a relay that refuses all our mail; ms since 1970. */
  giveUpAt: number;
  /** Later, the mail is not worth sending; ms since 1970. */
  notAfter?: number;
}

/** Returns the step's result, or why the relay refused the mail permanently, or neither if the mail became unwanted first. */
export async function deliverMail<T extends object>(
  run: RunState,
  { name, step, waitingFor, isUnwanted, wakeUp, giveUpAt, notAfter = Infinity }: Delivery<T>,
): Promise<{ sent?: T; refused?: string }> {
  let refusingSince: string | undefined;
  for (let attempts = 1; !isUnwanted() && Date.now() < notAfter; attempts++) {
    publishBriefly(run, { waitingFor });
    try {
      const sent = await attempt(run, () => tryAtOnce(step), isUnwanted);
      if (!sent) return {};
      if (!('postponedUntil' in sent)) return { sent };
      if (Date.parse(sent.postponedUntil) >= notAfter) return {};
      await waitForQuietHours(run, sent.postponedUntil, wakeUp);
    } catch (error) {
      if (!isStepFailure(error)) throw error;
      const failure = failureOf(error);
      if (!refusesUs(error) || Date.now() >= giveUpAt) return { refused: failure };
      refusingSince ??= fromNow(0);
      await waitForRelay(run, { step: name, failure, since: refusingSince }, attempts, isUnwanted);
    }
  }
  return {};
}

/** A relay that hangs or is slow holds up the queue of mails, not the closings. */
async function tryAtOnce<T>(step: Delivery<T>['step']): ReturnType<Delivery<T>['step']> {
  const sent = await step(steps.mailAtOnce).catch(undefinedIfRetryable);
  return sent ?? step(steps.mailInTurn);
}

async function waitForQuietHours(run: RunState, end: string, wakeUp: Condition): Promise<void> {
  publish(run, { waitingFor: "the customer's quiet hours to end", until: end });
  const left = Math.max(second, Date.parse(end) - Date.now());
  await wait(run, wakeUp, left, 'Quiet hours of the customer');
}

/** A mail that is rejected more often, over 31 hours, is not sent again. */
const maxSenderFaults = 5;

/**
 * The customer's server rejected a mail because of its sender: alerts an operator, and counts. Returns how long to wait before it is sent
 * again, in ms: 1 h, 2 h, 4 h, 8 h, 16 h; undefined if it was rejected too often.
 */
export async function planResend(run: RunState, status: string): Promise<number | undefined> {
  await raiseAlert({ kind: 'senderRejected', status, reportId: run.reportId, at: fromNow(0) });
  return run.senderFaults < maxSenderFaults ? hour * 2 ** run.senderFaults++ : undefined;
}

async function waitForRelay(
  run: RunState,
  refusal: Pick<Attention, 'step' | 'failure' | 'since'>,
  attempts: number,
  until: Condition,
): Promise<void> {
  const { failure, since } = refusal;
  run.attention = { ...refusal, code: codeOf(failure) };
  await raiseAlert({ kind: 'relay', failure, since, at: fromNow(0) });
  const pause = relayPause(attempts);
  publish(run, { waitingFor: 'the mail relay to accept our mail', until: fromNow(pause) });
  const { retries } = run;
  await wait(run, () => until() || run.retries !== retries, pause, 'Until the relay is tried again');
  delete run.attention;
}
