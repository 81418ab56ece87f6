import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { workflowIdOf } from '../../src/contract/ids.js';
import { loadGatewayConfig } from '../../src/setup/config.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const tickets = '/tmf-api/troubleTicket/v4/troubleTicket';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ env: noSweep });
});
afterAll(() => stack.end());

const create = (id: string, url = stack.url(tickets)) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify({ id, description: 'No dial tone', severity: 'minor', ticketType: 'fault' }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token()}` },
  });
const token = () => loadGatewayConfig({ ...stack.env }).apiToken;

const isRunning = async (id: string) =>
  (await stack.temporal.workflow.getHandle(workflowIdOf(id)).describe()).status.name === 'RUNNING';

test('beside a signal-with-start of a monitoring system: every report is stored, closed, and decided about once', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `BESIDE-${index}`);
  const answers = await Promise.all(
    ids.map(async (id, index) => {
      const signalled = pause(index % 20).then(() => stack.signalWithStart(id, 'cleared'));
      const { status } = await create(id);
      await signalled;
      return status;
    }),
  );
  expect(new Set(answers)).toEqual(new Set([201]));
  for (const id of ids) {
    await stack.untilPhase(id, 'done');
    expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
  }
});

test('a report is closed by its first run before the ledger knows which run that is', async () => {
  const id = await stack.open('UNASSIGNED-1');
  const runIds = () => stack.sql<{ runId: string | null }>(`select run_id as "runId" from reports where id = '${id}'`);
  await until('the ledger to know the run', async () => (await runIds())[0]?.runId !== null);
  const [before] = await runIds();
  await stack.sql(`update reports set run_id = null where id = '${id}'`);
  await stack.signal(id, 'cleared');
  await stack.untilSurvey(id, 'sent');
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
  expect(await runIds()).toEqual([before]);
  const { events } = await stack.history(id);
  const activities = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
  expect(activities).not.toContain('lookUpReport');
});

test('a run that was parked because its report was missing goes on once it is opened', async () => {
  await stack.signalWithStart('PARKED-1', 'cleared');
  await until('the run to be parked', async () => {
    const query = 'WorkflowId="problem-report:PARKED-1" AND CloseoutPhase="needsAttention"';
    return (await stack.temporal.workflow.count(query)).count === 1;
  });
  expect((await create('PARKED-1')).status).toBe(201);
  await stack.untilPhase('PARKED-1', 'done');
  expect(await stack.client.get('PARKED-1')).toMatchObject({ status: 'closed', cycle: 1 });
});

test('a run whose report nobody opens is shown, and an operator ends it', async () => {
  await stack.signalWithStart('UNOPENED-1', 'cleared');
  await until('the run to be parked', async () => {
    const { stdout } = await stack.closeout('status', 'UNOPENED-1', '--json');
    return (JSON.parse(stdout || '{}') as { phase?: string }).phase === 'needsAttention';
  });
  await until('the run to be ended', async () => {
    const { code, stdout } = await stack.closeout('close-by-hand', 'UNOPENED-1', '--note', 'a test', '--by', 'eve');
    if (code === 0) expect(stdout).not.toContain('Open');
    return code === 0; // not if the worker does not answer in time
  });
  await stack.temporal.workflow.getHandle('problem-report:UNOPENED-1').result();
  const later = await stack.closeout('status', 'UNOPENED-1');
  expect(later).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no report UNOPENED-1.') as string });
});

test('while Temporal cannot be reached the report is stored, and the next sweep starts its run', async () => {
  const cutOff = await stack.secondGateway({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect((await create('STORED-1', cutOff.moved(stack.url(tickets)))).status).toBe(201);
  expect((await create('STORED-1', cutOff.moved(stack.url(tickets)))).status).toBe(409);
  await cutOff.end();
  await expect(isRunning('STORED-1')).rejects.toMatchObject({ name: 'WorkflowNotFoundError' });
  const { stdout } = await stack.closeout('watch', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ failed: 0 });
  expect(await stack.untilPhase('STORED-1', 'open', 1)).toMatchObject({ cycle: 1 });
  expect(JSON.parse((await stack.closeout('watch', '--json')).stdout)).toMatchObject({ notified: {} });
  await stack.client.clear('STORED-1');
  await stack.untilPhase('STORED-1', 'done');
});

test('a late answer of Temporal does not undo the opening', async () => {
  const temporal = await slowAnswers(Number(stack.env['CLOSEOUT_TEMPORAL_PORT']));
  const slow = await stack.secondGateway({ TEMPORAL_ADDRESS: temporal.address });
  try {
    expect((await create('EARLY-1', slow.moved(stack.url(tickets)))).status).toBe(201); // connects
    temporal.hold();
    expect((await create('LATE-1', slow.moved(stack.url(tickets)))).status).toBe(201);
    expect(await isRunning('LATE-1')).toBe(true);
    expect(await stack.untilPhase('LATE-1', 'open')).toMatchObject({ cycle: 1 });
    expect(await stack.client.get('LATE-1')).toMatchObject({ status: 'acknowledged' });
  } finally {
    await slow.end();
    temporal.end();
  }
});

/** Between a gateway and Temporal: what the gateway says arrives; after `hold` it hears nothing more. */
async function slowAnswers(port: number) {
  const sockets: Socket[] = [];
  let isHeld = false;
  const server = createServer((gateway) => {
    const temporal = connect(port, '127.0.0.1');
    sockets.push(gateway, temporal);
    gateway.pipe(temporal).on('error', () => undefined);
    gateway.on('error', () => undefined);
    temporal.on('data', (data) => void (isHeld || gateway.write(data)));
  }).listen(0, '127.0.0.1');
  await until('the way to Temporal', () => server.listening);
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => void (isHeld = true),
    end: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('a run for a report that will never exist can be closed by hand', async () => {
  const id = 'GHOST-2';
  const { workflow } = stack.temporal;
  const start = { workflowId: workflowIdOf(id), taskQueue: 'closeout', args: [{ reportId: id }] };
  const handle = await workflow.start('closeProblemReport', start);
  await until('needsAttention', async () => {
    return (await handle.query<{ phase: string }>('status')).phase === 'needsAttention';
  });
  await handle.executeUpdate('closeByHand', { args: [{ by: 'eve', note: 'never was ours' }] });
  expect(await handle.result()).toEqual({ outcome: 'closed', cycle: 0, survey: { outcome: 'none' } });
});

test('a run with another workflow id than its report is refused with a message', async () => {
  await stack.temporalCli(
    'workflow',
    'start',
    '--type',
    'closeProblemReport',
    '--task-queue',
    'closeout',
    '--workflow-id',
    'something-else',
    '--input',
    '{"reportId":"X-1"}',
  );
  const result = stack.temporal.workflow.getHandle('something-else').result();
  await expect(result).rejects.toMatchObject({
    cause: { type: 'BadInput', message: expect.stringContaining('"problem-report:ID"') as string },
  });
});
