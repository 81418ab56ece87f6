/** When a system may be asked next. Workers and gateways share one pace, in the database; a command has its own. */
import type { Pace } from '../outside/system-states.js';
import { second } from '../policy/time.js';

export function ownPace(perSecond: number): Pace {
  let free = 0;
  return {
    next: (maxWait) => {
      const now = performance.now();
      const at = Math.max(now, free);
      if (at - now > maxWait) return Promise.resolve(undefined);
      free = at + second / perSecond;
      return Promise.resolve(at - now);
    },
    holdOff: (pause) => {
      free = Math.max(free, performance.now() + pause);
      return Promise.resolve();
    },
  };
}
