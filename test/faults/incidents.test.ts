/**
 * A log of incidents is replayed while parts are killed and stopped. CLOSEOUT_FAULT_LOG names another log than that of the examples, and
 * CLOSEOUT_FAULT_SEED repeats a run.
 */
import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cleanEnv, cli, run } from '../stack/commands.js';
import { killPart, parts, stopPart } from '../stack/failing-parts.js';
import { cyclesIn } from '../stack/incidents.js';
import { brokenInvariants } from '../stack/invariants.js';
import { faultSeed as seed } from '../stack/random.js';
import { Stack } from '../stack/stack.js';

const log = resolve(process.env['CLOSEOUT_FAULT_LOG'] ?? 'examples/history.csv');
const patience = 1_800_000;

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy: 'default: { survey: { contactCap: null } }' });
});
afterAll(() => stack.end());

/** Each incident twice, the second time under another number. */
async function doubled(): Promise<string> {
  const [header = '', ...rows] = (await readFile(log, 'utf8')).trimEnd().split('\n');
  const file = join(stack.dataDir, 'incidents.csv');
  await writeFile(file, [header, ...rows, ...rows.map((row) => `AGAIN-${row}`), ''].join('\n'));
  return file;
}

const fault = fc.record({
  part: fc.constantFrom(...parts),
  isKill: fc.boolean(),
  ms: fc.integer({ min: 500, max: 4000 }),
});

async function cause({ part, isKill, ms }: typeof fault extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  await pause(ms);
  if (!isKill) return stopPart(stack, part, ms);
  killPart(stack, part);
  await pause(ms);
}

const ignoreEnded = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ESRCH') throw error;
};

test(
  `every incident goes through its cycles, closed once and asked once in each (CLOSEOUT_FAULT_SEED=${seed})`,
  async () => {
    const file = await doubled();
    let isDone = false;
    const env = { ...cleanEnv(), ...stack.env };
    const replaying = run(process.execPath, [cli, 'replay', file, '--json'], env, patience).finally(
      () => (isDone = true),
    );
    let faults = 0;
    for (const next of fc.sample(fault, { seed, numRuns: 1000 })) {
      if (isDone) break;
      await cause(next).catch(ignoreEnded);
      faults++;
    }
    const { code, stderr } = await replaying;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(faults).toBeGreaterThan(0);
    expect(await brokenInvariants(stack)).toEqual([]);
    for (const [id, cycle] of Object.entries(cyclesIn(file))) {
      const report = await stack.client.get(id);
      expect({ id, cycle: report.cycle, isOver: ['closed', 'cancelled', 'rejected'].includes(report.status) }).toEqual({
        id,
        cycle,
        isOver: true,
      });
    }
  },
  patience,
);
