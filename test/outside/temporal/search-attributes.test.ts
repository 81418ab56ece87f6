import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Part } from '../../../src/local/part.js';
import { retention, startTemporal } from '../../../src/local/temporal.js';
import { openConnection } from '../../../src/outside/temporal/connection.js';
import { reportRuns } from '../../../src/outside/temporal/runs.js';
import { registerSearchAttributes } from '../../../src/outside/temporal/search-attributes.js';
import { freePorts } from '../../stack/commands.js';
import { until } from '../../stack/waiting.js';

const namespace = 'registered-later';
let dataDir: string;
let temporal: Part;
let forWorkers: NativeConnection;
let client: Client;
let closeClient: () => Promise<void>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'closeout-search-attributes-'));
  const [port = 0, uiPort = 0] = await freePorts(2);
  const cli = process.env['CLOSEOUT_TEMPORAL_CLI'] ?? '';
  temporal = startTemporal({ cli, dataDir, port, uiPort, logFile: join(dataDir, 'temporal.log') });
  await temporal.ready;
  const address = `127.0.0.1:${port}`;
  forWorkers = await NativeConnection.connect({ address });
  const { connection, close } = openConnection({ address });
  [client, closeClient] = [new Client({ connection, namespace }), close];
});

afterAll(async () => {
  await closeClient();
  await forWorkers.close();
  await temporal.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test('a run can be started once the search attributes are registered, and not before', async () => {
  await forWorkers.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
  const runs = reportRuns(client);
  await until('the namespace to be known', async () => await client.workflow.count());

  expect(await runs.begin({ id: 'A', cycle: 1 })).toBeUndefined(); // the sweep will start it
  const error = await runs.wake({ id: 'A', cycle: 1 }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'TemporalUnavailable' });
  expect((error as Error).message).toMatch(/does not know the search attributes/);

  await registerSearchAttributes(forWorkers, namespace);
  expect(await runs.begin({ id: 'A', cycle: 1 })).toEqual(expect.any(String));
});
