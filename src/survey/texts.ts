/** What a customer reads. One catalogue a language; English is the one there is yet. */
import type { Score } from '../contract/reports.js';

export const ratings: Record<Score, string> = {
  1: 'very dissatisfied',
  2: 'dissatisfied',
  3: 'neither',
  4: 'satisfied',
  5: 'very satisfied',
};
export const scores: readonly Score[] = [1, 2, 3, 4, 5];

/** A day in the customer's own zone; UTC, and said so, where we do not know it or it is not one. */
export function day(time: Date, timeZone: string | undefined): string {
  const format = (zone: string) =>
    new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: zone }).format(time);
  try {
    return `${format(timeZone ?? 'UTC')} (${timeZone ?? 'UTC'})`;
  } catch {
    return `${format('UTC')} (UTC)`;
  }
}
