/** What a system's status words mean. */
import { hasEnded, type State } from '../policy/status.js';

/** Everything that is not named is open. */
export interface StatusWords {
  cleared: string[];
  closed: string;
  cancelled: string[];
  /** What a reopened ticket is set to. */
  reopened: string;
}

/** Which of the words the system does not know, in words. */
export function missingStatuses(
  { cleared, closed, cancelled, reopened }: StatusWords,
  known: readonly string[],
): string[] {
  const missing = [...cleared, closed, ...cancelled, reopened].filter(
    (word) => !known.some((status) => isSame(status, word)),
  );
  return missing.map((word) => `There is no status ${word}; there are ${known.join(', ')}.`);
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function stateOfWord(status: string, { cleared, closed, cancelled }: StatusWords): State {
  if (isSame(status, closed)) return 'closed';
  if (cleared.some((word) => isSame(status, word))) return 'cleared';
  return cancelled.some((word) => isSame(status, word)) ? 'cancelled' : 'open';
}

export function meansEnded(status: string, words: StatusWords): boolean {
  const state = stateOfWord(status, words);
  return hasEnded(state);
}

/** The word to ask for. */
export function wordFor(state: Exclude<State, 'cleared'>, words: StatusWords): string {
  switch (state) {
    case 'closed':
      return words.closed;
    case 'open':
      return words.reopened;
    case 'cancelled':
      return words.cancelled[0] ?? words.closed;
  }
}
