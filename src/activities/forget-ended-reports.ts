import type { Deps } from './deps.js';

const day = 24 * 60 * 60 * 1000;

/** Removes who the customers of old reports were; returns of how many. Safe to repeat: what is forgotten is left alone. */
export const forgetEndedReports =
  ({ customers, keepDays }: Deps) =>
  (): Promise<number> =>
    customers.forgetEndedBefore(new Date(Date.now() - keepDays * day));
