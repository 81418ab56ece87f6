import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/setup/config.js';
import { cleanEnv, cli, freePorts, run, type Output } from '../stack/commands.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/** Workers and gateways that cannot start, and commands that meet something unknown: each says why, and ends. */
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

const closeoutWith = (env: Record<string, string>, ...args: string[]): Promise<Output> =>
  run(process.execPath, [cli, ...args], { ...cleanEnv(), ...stack.env, ...env });

async function anotherWorker(env: Record<string, string>): Promise<Output> {
  const [port] = await freePorts(1);
  return closeoutWith({ CLOSEOUT_WORKER_METRICS: `127.0.0.1:${port}`, ...env }, 'worker');
}

const files = ['CLOSEOUT_POLICY', 'CLOSEOUT_BRANDS', 'CLOSEOUT_SYSTEMS'];

test.each(['worker', 'gateway'].flatMap((process) => files.map((setting) => [process, setting] as const)))(
  'a %s with a wrong %s ends with the reason',
  async (process, setting) => {
    const file = join(stack.env['CLOSEOUT_DATA'] ?? '', 'wrong.yaml');
    writeFileSync(file, 'default: { holddown: 5m }');
    const { code, stderr } = await closeoutWith({ [setting]: file }, process);
    expect([code, stderr]).toEqual([1, expect.stringContaining(setting)]);
  },
);

test('a worker with a wrong namespace names the setting', async () => {
  const { code, stderr } = await anotherWorker({ TEMPORAL_NAMESPACE: 'nowhere' });
  expect([code, stderr]).toEqual([1, expect.stringContaining('TEMPORAL_NAMESPACE')]);
});

test('a worker that cannot reach Temporal ends', async () => {
  const { code, stderr } = await anotherWorker({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect([code, stderr]).toEqual([1, expect.stringContaining('TEMPORAL_ADDRESS')]);
});

test('a list filter with an attribute that does not exist is refused with its name', async () => {
  const { code, stderr } = await stack.closeout('retry', '--all', '--where', 'CloseoutPhas="x"');
  expect([code, stderr]).toEqual([2, expect.stringContaining('CloseoutPhas')]);
});

test('a database without tables is reported as one that was not migrated', async () => {
  await stack.sql('create database empty');
  const url = new URL(loadConfig({ ...stack.env }).databaseUrl);
  url.pathname = '/empty';
  const { code, stderr } = await closeoutWith({ DATABASE_URL: url.href }, 'list');
  expect([code, stderr]).toEqual([1, expect.stringContaining('closeout migrate')]);
});

test('a misspelt setting is logged when a process starts', async () => {
  const env = { CLOSEOUT_KEEPDAYS: '5', TEMPORAL_ADDRESS: '127.0.0.1:1' };
  expect((await anotherWorker(env)).stderr).toContain('CLOSEOUT_KEEPDAYS');
});

test.each(['worker', 'gateway'])('npm run %s: when npm is stopped, the process ends, too', async (part) => {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const own = part === 'worker' ? { CLOSEOUT_WORKER_METRICS: address } : { CLOSEOUT_PORT: `${port}` };
  const npm = spawn('npm', ['run', part], { env: { ...cleanEnv(), ...stack.env, ...own }, stdio: 'ignore' });
  const isUp = () =>
    fetch(`http://${address}/metrics`).then(
      () => true,
      () => false,
    );
  await until('the process to run', isUp);
  npm.kill('SIGTERM');
  await until('npm to end', () => npm.exitCode !== null || npm.signalCode !== null);
  await until('the process to end', async () => !(await isUp()));
});
