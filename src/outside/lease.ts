/** A lease, which one process holds at a time. It is renewed while it is held, so a process that was killed loses it within seconds. */
import { second } from '../policy/time.js';

export interface Lease {
  /** False if another has it. */
  take: () => Promise<boolean>;
  renew: () => Promise<unknown>;
  /** Only if it is still ours. */
  release: () => Promise<unknown>;
}

export const leaseSeconds = 15;

/** Returns undefined if another has it. */
export async function withLease<T>(
  { take, renew, release }: Lease,
  work: () => Promise<T>,
): Promise<{ done: T } | undefined> {
  if (!(await take())) return undefined;
  const timer = setInterval(() => void renew().catch(() => undefined), (leaseSeconds / 3) * second);
  try {
    return { done: await work() };
  } finally {
    clearInterval(timer);
    await release();
  }
}
