import { heartbeat } from '@temporalio/activity';
import type { Deps } from './deps.js';

const day = 24 * 60 * 60 * 1000;

/** Removes who the customers of old reports were; returns of how many. Safe to repeat: what is forgotten is left alone. */
export const forgetEndedReports =
  ({ customers, keepDays }: Deps) =>
  async (): Promise<number> => {
    const before = new Date(Date.now() - keepDays * day);
    let forgotten = 0;
    for (let more = -1; more !== 0; forgotten += more) {
      more = await customers.forgetEndedBefore(before);
      heartbeat(forgotten);
    }
    return forgotten;
  };
