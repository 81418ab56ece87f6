import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cleanEnv, run } from '../stack/commands.js';
import type { RunStatus } from '../../src/contract/reports.js';
import { Stack } from '../stack/stack.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

test('open, clear, status, reopen, cancel: exit code 0, and JSON on demand', async () => {
  const opened = await stack.closeout(
    'open',
    '--id',
    'CLI-1',
    '--description',
    'No dial tone',
    '--email',
    'ann@customers.example',
    '--json',
  );
  expect(opened.code).toBe(0);
  expect(JSON.parse(opened.stdout)).toMatchObject({ id: 'CLI-1', status: 'acknowledged' });
  expect((await stack.closeout('clear', 'CLI-1')).code).toBe(0);
  await stack.untilSurvey('CLI-1', 'sent');
  const status = await stack.closeout('status', 'CLI-1', '--json');
  expect(JSON.parse(status.stdout)).toMatchObject({
    reportId: 'CLI-1',
    phase: 'surveying',
    survey: { state: 'sent' },
  } satisfies Partial<RunStatus>);
  expect((await stack.closeout('status', 'CLI-1')).stdout).toContain("waits for: the customer's answer");
  expect((await stack.closeout('reopen', 'CLI-1', '--reason', 'again')).code).toBe(0);
  await stack.untilPhase('CLI-1', 'open', 2);
  expect((await stack.closeout('cancel', 'CLI-1')).code).toBe(0);
  await stack.untilPhase('CLI-1', 'done');
  expect((await stack.closeout('list')).stdout).toContain('CLI-1');
});

test('what an operator asks for is done or refused with the reason', async () => {
  await stack.open('CLI-2');
  expect((await stack.closeout('skip-survey', 'CLI-2', '--by', 'eve')).code).toBe(0);
  const refused = await stack.closeout('retry', 'CLI-2');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('retryNow was refused');
  await stack.client.clear('CLI-2');
  expect(await stack.untilPhase('CLI-2', 'done')).toMatchObject({ survey: { state: 'skipped', reason: 'byOperator' } });
  const late = await stack.closeout('resend-survey', 'CLI-2');
  expect(late.code).toBe(1);
  expect(late.stderr).toContain('CLI-2 has no run: it is done');
});

test.each<[string, string[], number, string]>([
  ['a report that does not exist', ['clear', 'NOPE'], 1, 'There is no report NOPE.'],
  ['an id that cannot be', ['open', '--id', 'a b', '--description', 'x'], 2, 'id must be 1 to 64'],
  ['a bad address', ['open', '--description', 'x', '--email', 'a@b,c@d'], 2, 'emailAddress must be one e-mail address'],
  ['a bad time', ['clear', 'CLI-3', '--at', 'noonish'], 2, 'at must be a time in ISO 8601'],
  ['a missing argument', ['clear'], 2, "missing required argument 'report'"],
  ['an unknown command', ['celar', 'X'], 2, "unknown command 'celar'"],
  ['a file that is not there', ['replay', '/nowhere.csv'], 2, '/nowhere.csv cannot be read (ENOENT)'],
])('%s: exit code and a line that says why', async (_, args, code, message) => {
  await stack.open('CLI-3').catch(() => undefined);
  const output = await stack.closeout(...args);
  expect({ code: output.code, said: output.stderr.includes(message) ? message : output.stderr }).toEqual({
    code,
    said: message,
  });
});

test('a worker whose metrics port is taken says so in one line', async () => {
  const metrics = stack.env['CLOSEOUT_METRICS_PORT'];
  const settings = JSON.parse(readFileSync(join(stack.dataDir, 'stack.json'), 'utf8')) as NodeJS.ProcessEnv;
  expect(await run(process.execPath, [resolve('dist/cli.js'), 'worker'], { ...cleanEnv(), ...settings })).toEqual({
    code: 1,
    stdout: '',
    stderr: `closeout: Metrics cannot be served on 127.0.0.1:${metrics}; set CLOSEOUT_WORKER_METRICS to a free port of this machine.\n`,
  });
});
