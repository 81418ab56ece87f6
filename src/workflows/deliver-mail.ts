/** Hands a mail to the relay: not in quiet hours, and with patience where it is us that the relay refuses. */
import { ActivityFailure, condition } from '@temporalio/workflow';
import { attempt } from './attempt-or-park.js';
import { callOperator } from './alert-operator.js';
import { failureOf } from './failure.js';
import { fromNow, type Run } from './run.js';
import { show } from './visibility.js';

export type Over = () => boolean;

export interface Delivery<T> {
  /** The activity's name. */
  name: string;
  step: () => Promise<T | { holdUntil: string }>;
  waitingFor: string;
  over: Over;
  /** Ends the wait for quiet hours: the step has to look again. */
  woken: Over;
  /** When a relay that refuses us is no longer waited for; ms since 1970. */
  giveUpAt: number;
  /** A mail that would have to wait for longer is not worth sending; ms since 1970. */
  notAfter?: number;
}

/** What the step made of it; or why the relay refused the mail for good. Neither: it was over before. */
export async function deliver<T extends object>(
  run: Run,
  { name, step, waitingFor, over, woken, giveUpAt, notAfter = Infinity }: Delivery<T>,
): Promise<{ sent?: T; refused?: string }> {
  for (let tries = 1; !over(); tries++) {
    show(run, { waitingFor });
    try {
      const sent = await attempt(run, step, over);
      if (!sent) return {};
      if (!('holdUntil' in sent)) return { sent };
      if (Date.parse(sent.holdUntil) >= notAfter) return {};
      await hold(run, sent.holdUntil, woken);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const failure = failureOf(error);
      if (failure !== 'MailMisconfigured' || Date.now() >= giveUpAt) return { refused: failure };
      await bePatient(run, name, failure, tries, over);
    }
  }
  return {};
}

async function hold(run: Run, until: string, woken: Over): Promise<void> {
  show(run, { waitingFor: "the customer's quiet hours to end", until });
  const left = Math.max(1000, Date.parse(until) - Date.now());
  await condition(woken, left, { summary: 'Quiet hours of the customer' });
}

async function bePatient(run: Run, step: string, failure: string, tries: number, over: Over): Promise<void> {
  const since = run.attention?.since ?? new Date().toISOString();
  run.attention = { step, failure, since };
  await callOperator({ kind: 'relay', failure, since });
  const pause = Math.min(60 * minute, 10 * second * 2 ** Math.min(tries - 1, 9));
  show(run, { waitingFor: 'the mail relay to take mail from us', until: fromNow(pause) });
  const { retries } = run;
  await condition(() => over() || run.retries !== retries, pause, { summary: 'Until the relay is tried again' });
  delete run.attention;
}

const second = 1000;
const minute = 60 * second;
