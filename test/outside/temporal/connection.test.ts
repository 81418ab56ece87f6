import { setTimeout as pause } from 'node:timers/promises';
import { openConnection } from '../../../src/outside/temporal/connection.js';
import { freePorts } from '../../stack/commands.js';

test.each([0, 100, 400, 800])(
  'closed %i ms after a call that is retried, it fails the call, and nothing else',
  async (ms) => {
    const [port] = await freePorts(1);
    const { connection, close } = openConnection({ address: `127.0.0.1:${port}` });
    const called = Promise.allSettled([connection.workflowService.getClusterInfo({})]);
    await pause(ms);
    await close();
    expect(await called).toMatchObject([{ status: 'rejected', reason: { code: 14 } }]);
  },
);
