import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits for a condition, never for a time. Names what it waited for when it gives up. Asks less often the longer it waits, because
 * every question costs the machine what the tested parts need.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  patienceMs = 60_000,
): Promise<T> {
  const startedAt = Date.now();
  const giveUp = startedAt + patienceMs;
  let last: unknown;
  while (Date.now() < giveUp) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await pause(Math.min(1000, Math.max(25, (Date.now() - startedAt) / 20)));
  }
  throw new Error(`waited ${patienceMs / 1000} s for: ${what}`, { cause: last });
}
