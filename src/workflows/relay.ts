/** A relay that refuses all our mail, which only an operator can correct. */
import { sleep } from '@temporalio/workflow';
import { day, hour, second } from '../policy/time.js';
import { failureOf, isStepFailure } from './failure.js';

const giveUpAfter = 14 * day;

/** Pause after so many failed attempts, in ms: 10 s, 20 s, 40 s … at most an hour. */
export const relayPause = (attempts: number): number => Math.min(hour, 10 * second * 2 ** Math.min(attempts - 1, 9));

export const refusesUs = (error: unknown): boolean => isStepFailure(error) && failureOf(error) === 'MailMisconfigured';

/** Retries a mail to or from an operator for 14 days. Raises no alert: the mail may be the alert about the relay. */
export async function retryWhileRelayRefusesUs<T>(step: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  for (let attempts = 1; ; attempts++) {
    try {
      return await step();
    } catch (error) {
      if (!refusesUs(error) || Date.now() > startedAt + giveUpAfter) throw error;
      await sleep(relayPause(attempts), { summary: 'Until the relay is tried again' });
    }
  }
}
