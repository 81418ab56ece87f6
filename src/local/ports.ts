/** Checks that the ports of a stack are free before anything is started. */
import { createServer } from 'node:net';
import { CloseoutError } from '../contract/errors.js';

export interface NeededPort {
  /** The setting that chooses another port. */
  setting: string;
  port: number;
  purpose: string;
}

/** Throws `BadSetting` that names every port that is taken. */
export async function assertPortsFree(needed: NeededPort[]): Promise<void> {
  const free = await Promise.all(needed.map(({ port }) => isFree(port)));
  const taken = needed.filter((_, index) => !free[index]);
  if (taken.length === 0) return;
  const list = taken.map(({ port, purpose, setting }) => `${port} for ${purpose} (${setting})`).join(', ');
  throw new CloseoutError(
    'BadSetting',
    `Ports in use: ${list}. Stop the program that uses them, or set the setting in brackets to another port.`,
    taken[0]?.setting,
  );
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
