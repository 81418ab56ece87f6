import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cleanEnv, run } from '../stack/commands.js';
import { workflowIdOf } from '../../src/contract/ids.js';
import { taskQueue, workflowType } from '../../src/contract/messages.js';
import type { RunStatus } from '../../src/contract/reports.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(() => stack.end());

/** What a command says of a change, or that the worker has been paused for a second. */
const orLate = (outcome: string) => new RegExp(`^${outcome}|its run has not acted on it yet`);

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
  expect((await stack.closeout('status', 'CLI-1')).stdout).toContain(
    'Closed: the customer can answer the survey until',
  );
  expect((await stack.closeout('clear', 'CLI-1')).stdout).toBe('CLI-1 is already closed (cycle 1).\n');
  const reopened = await stack.closeout('reopen', 'CLI-1', '--reason', 'again');
  expect(reopened.stdout).toMatch(orLate('CLI-1 is open again'));
  await stack.untilPhase('CLI-1', 'open', 2);
  expect((await stack.closeout('cancel', 'CLI-1')).stdout).toMatch(orLate('CLI-1 is cancelled'));
  await stack.untilPhase('CLI-1', 'done');
});

test('the list: what each report waits for, filtered, as tab-separated values in a pipe', async () => {
  await stack.open('LIST-1', { customerId: 'C-LIST', description: 'No dial tone\nsince noon' });
  await stack.open('LIST-2', { customerId: 'C-LIST', serviceProblemId: 'SP-LIST' });
  await stack.closeout('hold', 'LIST-2', '--by', 'eve', '--note', 'wait for the engineer');
  const list = async (...args: string[]) => {
    const { stdout } = await stack.closeout('list', ...args);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
  };
  const head = ['REPORT', 'PHASE', 'WAITS FOR', 'AGE', 'CUSTOMER', 'DESCRIPTION'];
  expect(await list('--customer', 'C-LIST')).toEqual([
    head,
    ['LIST-2', 'open', 'a release, held by eve', '0 min', 'C-LIST', 'No dial tone on line LIST-2'],
    ['LIST-1', 'open', 'the fix', '0 min', 'C-LIST', 'No dial tone since noon'],
  ]);
  for (const filter of [['--held'], ['--service-problem', 'SP-LIST'], ['--search', 'list-2'], ['--search', 'SP-LIST']])
    expect((await list(...filter)).slice(1).map(([id]) => id)).toEqual(['LIST-2']);
  expect(await list('--customer', 'C-LIST', '--phase', 'done')).toEqual([head]);
  expect(await list('--customer', 'C-LIST', '--older-than', '1')).toEqual([head]);
  for (const [option, word] of [
    ['--phase', 'closing'],
    ['--status', 'foo'],
  ] as const) {
    const refused = await stack.closeout('list', option, word);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`${option} must be one of`)]);
  }
});

test('a hold: who, why and since when, in status and timeline', async () => {
  await stack.open('HELD-1');
  const held = await stack.closeout('hold', 'HELD-1', '--by', 'eve', '--note', 'wait for the engineer');
  expect(held.stdout).toMatch(
    /^HELD-1: Open, and held by eve since .*: wait for the engineer\. It will not be closed until/,
  );
  expect((await stack.closeout('clear', 'HELD-1')).stdout).toMatch(orLate('HELD-1: Cleared, and held by eve'));
  await stack.untilHeld('HELD-1');
  expect((await stack.closeout('timeline', 'HELD-1')).stdout).toMatch(
    /Held: will not be closed until it is released \(eve\)\n +> wait for the engineer\n.*Cleared/,
  );
  expect((await stack.closeout('release', 'HELD-1')).code).toBe(0);
  await stack.untilSurvey('HELD-1', 'sent');
  expect((await stack.closeout('status', 'HELD-1')).stdout).toMatch(/^HELD-1: Closed/);
});

test('irreversible commands show their effect and require confirmation', async () => {
  await stack.open('ERASE-1', { customerId: 'C-ERASE', contact: { name: 'Ann' } });
  expect((await stack.closeout('erase', 'C-ERASE', '--dry-run')).stdout).toBe('C-ERASE: 1 report, unchanged.\n');
  const unasked = await stack.closeout('erase', 'C-ERASE');
  expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('add --yes')]);
  expect(await stack.client.contactOf('ERASE-1')).toMatchObject({ name: 'Ann' });
  expect((await stack.closeout('forget', '--older-than', '0', '--dry-run')).stdout).toMatch(/would be changed/);
  expect((await stack.closeout('erase', 'C-ERASE', '--yes')).code).toBe(0);
  expect(await stack.client.contactOf('ERASE-1')).toBeUndefined();
});

test('a run that waits for an operator is listed, though the database has no such report', async () => {
  await stack.temporal.workflow.signalWithStart(workflowType, {
    workflowId: workflowIdOf('GHOST-1'),
    taskQueue,
    args: [{ reportId: 'GHOST-1' }],
    signal: 'cleared',
  });
  await until('it to be listed', async () =>
    (await stack.closeout('list', '--attention')).stderr.includes(
      'Not in the database, but their runs wait for an operator (see docs/operations.md): GHOST-1.',
    ),
  );
  await until('its run to answer', async () =>
    (await stack.closeout('status', 'GHOST-1')).stdout.includes('closeout close-by-hand GHOST-1'),
  );
});

test('errors have a code under --json; the version is that of the package', async () => {
  const { code, stderr } = await stack.closeout('status', 'NOPE', '--json');
  expect([code, JSON.parse(stderr)]).toEqual([1, { code: 'ReportNotFound', message: 'There is no report NOPE.' }]);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect((await stack.closeout('--version')).stdout).toBe(`${version}\n`);
  const filter = await stack.closeout('retry', '--all', '--where', 'garbage (((');
  expect([filter.code, filter.stderr]).toEqual([2, expect.stringContaining('--where is not a list filter')]);
});

test('output that nobody reads to its end, as in a pipe to head, is no error', async () => {
  const command = `set -o pipefail; ${process.execPath} dist/cli.js --help | true`;
  const { code, stderr } = await run('bash', ['-c', command], cleanEnv());
  expect([code, stderr]).toEqual([0, '']);
});

test('what an operator asks for is done or refused with the reason', async () => {
  await stack.open('CLI-2');
  expect((await stack.closeout('skip-survey', 'CLI-2', '--by', 'eve')).code).toBe(0);
  const refused = await stack.closeout('retry', 'CLI-2');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('retry was refused');
  await stack.client.clear('CLI-2');
  expect(await stack.untilPhase('CLI-2', 'done')).toMatchObject({ survey: { state: 'skipped', reason: 'byOperator' } });
  const late = await stack.closeout('resend-survey', 'CLI-2');
  expect(late.code).toBe(1);
  expect(late.stderr).toContain('CLI-2 has no run, because it is done');
});

test.each<[string, string[], number, string]>([
  ['a report that does not exist', ['clear', 'NOPE'], 1, 'There is no report NOPE.'],
  ['an id that cannot be', ['open', '--id', 'a b', '--description', 'x'], 2, 'id must be 1 to 64'],
  ['a bad address', ['open', '--description', 'x', '--email', 'a@b,c@d'], 2, 'emailAddress must be one e-mail address'],
  ['no description', ['open', '--description', ' '], 2, 'description must be 1 to 10,000 characters'],
  ['a time to come', ['open', '--description', 'x', '--at', '2099-01-01'], 2, 'openedAt must not be in the future'],
  ['days that make no sense', ['extend-survey', 'CLI-3', '--days', '91'], 2, '--days must be 1 to 90'],
  ['a bad time', ['clear', 'CLI-3', '--at', 'noonish'], 2, 'at must be a time in ISO 8601'],
  ['an author that means something', ['reopen', 'CLI-3', '--by', 'Customer'], 2, '--by must not be Customer'],
  ['a report and all', ['retry', 'CLI-3', '--all'], 2, 'Name a report, or give --all; not both.'],
  ['a filter for one report', ['retry', 'CLI-3', '--where', 'x'], 2, '--where needs --all.'],
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
