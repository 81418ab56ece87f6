/** Temporal is lost with everything in it, and starts empty while the workers run. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { watchSchedule } from '../../src/contract/messages.js';
import { brokenInvariants } from '../stack/invariants.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ env: { CLOSEOUT_WATCH_SECONDS: '10' } });
});
afterAll(() => stack.end());

test('schedules are made again, and every report goes on', async () => {
  await stack.open('LOST-1');
  await stack.ask('LOST-2');
  await stack.client.overview.sweep(); // leaves the mark by which the loss is noticed
  for (const file of ['temporal.db', 'temporal.db-wal', 'temporal.db-shm'])
    await rm(join(stack.dataDir, file), { force: true });
  await stack.kill('Temporal');
  const schedule = stack.temporal.schedule.getHandle(watchSchedule);
  await until('the schedule', () => schedule.describe());
  await until('its run', async () => (await stack.client.status('LOST-1')).run === 'running', 120_000);
  await stack.client.clear('LOST-1');
  await stack.untilSurvey('LOST-1', 'sent');
  expect(await stack.untilMails('LOST-2', 1)).toHaveLength(1);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 300_000);
