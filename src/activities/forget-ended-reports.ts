import type { Deps } from './deps.js';

/**
 * Removes personal data from old reports and returns how many there were; and old events. Safe to repeat: a forgotten report is
 * left alone.
 */
export async function forgetEndedReports({ erasure, events, keepDays }: Deps): Promise<number> {
  const forgotten = await erasure.forgetEnded(keepDays);
  await events.forget();
  return forgotten;
}
