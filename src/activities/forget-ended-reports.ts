import { day, later } from '../policy/time.js';
import type { Deps } from './deps.js';

/** Removes personal data from old reports and returns how many there were. Safe to repeat: a forgotten report is left alone. */
export async function forgetEndedReports({ erasure, keepDays }: Deps): Promise<number> {
  return erasure.forgetEndedBefore(later(new Date(), -keepDays * day));
}
