/** A clock that is wrong, for the processes of a stack. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The environment of a stack whose clock can be set: see shifted-clock.mjs. */
export const shiftedClock = {
  NODE_OPTIONS: `--import ${resolve('test/stack/shifted-clock.mjs')}`,
  CLOCK_FILE: join(tmpdir(), `closeout-clock-${process.pid}`),
};

export const setClock = (minutes: number): Promise<void> => writeFile(shiftedClock.CLOCK_FILE, `${minutes}`);
