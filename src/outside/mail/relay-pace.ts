/** Whether the relay is slow. */
import { second } from '../../policy/time.js';

/** From a mail's first command to the relay's last answer. */
const fast = 2 * second;

export interface RelayPace {
  /** Measures `work`, which hands over a mail. */
  measure<T>(work: () => Promise<T>): Promise<T>;
  /** The last mail took long, or one that is being handed over does. */
  isSlow(): boolean;
}

/** `now`: ms, of a clock that never jumps. */
export function relayPace(now: () => number = () => performance.now()): RelayPace {
  const startTimes = new Map<symbol, number>(); // the oldest first
  let lastTook = 0;
  return {
    async measure(work) {
      const mail = Symbol();
      const startedAt = now();
      startTimes.set(mail, startedAt);
      try {
        return await work();
      } finally {
        startTimes.delete(mail);
        lastTook = now() - startedAt;
      }
    },
    isSlow() {
      const [oldest] = startTimes.values();
      return lastTook > fast || (oldest !== undefined && now() - oldest > fast);
    },
  };
}
