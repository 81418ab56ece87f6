import { setTimeout as pause } from 'node:timers/promises';
import { openConnection } from '../../../src/outside/temporal/connection.js';
import { freePorts } from '../../stack/commands.js';

let address: string;
beforeAll(async () => {
  const [port] = await freePorts(1);
  address = `127.0.0.1:${port}`;
});

const refused = [{ status: 'rejected', reason: { code: 14 } }];

/** A call that nobody answers, on a connection that is closed `ms` after it. */
async function closedAfter(ms: number, before: () => void = () => undefined) {
  const { connection, close } = openConnection({ address });
  const called = Promise.allSettled([connection.workflowService.getClusterInfo({})]);
  await pause(ms);
  before();
  await close();
  return called;
}

test.each([0, 100, 400, 800])(
  'closed %i ms after a call that is retried, it fails the call, and nothing else',
  async (ms) => {
    expect(await closedAfter(ms)).toMatchObject(refused);
  },
);

test('a close during a retried call fails only that call, also in a busy process, where timers are late', async () => {
  const busy = () => {
    const startedAt = performance.now();
    while (performance.now() - startedAt < Math.random() * 20);
  };
  for (let round = 0; round < 12; round++) {
    const calls = Array.from({ length: 40 }, () => closedAfter(Math.random() * 900, busy));
    for (const result of await Promise.all(calls)) expect(result).toMatchObject(refused);
  }
}, 60_000);
