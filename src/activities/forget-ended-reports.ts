import { day, later } from '../policy/time.js';
import type { Deps } from './deps.js';
import { now } from '../outside/database/clock.js';

/**
 * Removes personal data from old reports and returns how many there were; and old events. Safe to repeat: a forgotten report is
 * left alone.
 */
export async function forgetEndedReports({ erasure, events, keepDays }: Deps): Promise<number> {
  const forgotten = await erasure.forgetEndedBefore(later(now(), -keepDays * day));
  await events.forget();
  return forgotten;
}
