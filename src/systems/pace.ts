/** When a system may be asked next. Workers and gateways share one pace, in the database; a command has its own. */
import { second } from '../policy/time.js';

export interface Pace {
  /** Reserves the next request, and returns for how long to wait for it; ms. Undefined if that is longer than `patience`. */
  next: (patience: number) => Promise<number | undefined>;
  /** The system asks for a pause; ms. */
  holdOff: (pause: number) => Promise<void>;
}

export function ownPace(perSecond: number): Pace {
  let free = 0;
  return {
    next: (patience) => {
      const now = performance.now();
      const at = Math.max(now, free);
      if (at - now > patience) return Promise.resolve(undefined);
      free = at + second / perSecond;
      return Promise.resolve(at - now);
    },
    holdOff: (pause) => {
      free = performance.now() + pause;
      return Promise.resolve();
    },
  };
}
