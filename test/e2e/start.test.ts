import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cleanEnv, freePorts, run } from '../stack/commands.js';
import { Stack } from '../stack/stack.js';

const start = (env: Record<string, string>) =>
  run(process.execPath, [resolve('dist/cli.js'), 'start'], { ...cleanEnv(), ...env });

test('ports that are taken are all named in one line, with the setting to change; exit code 1', async () => {
  const [port = 0, ui = 0] = await freePorts(2);
  const servers = [port, ui].map((taken) => createServer().listen(taken, '127.0.0.1'));
  const dataDir = await mkdtemp(join(tmpdir(), 'closeout-ports-'));
  const { code, stderr } = await start({
    CLOSEOUT_DATA: dataDir,
    CLOSEOUT_PORT: `${port}`,
    CLOSEOUT_TEMPORAL_UI_PORT: `${ui}`,
  });
  expect(code).toBe(1);
  expect(stderr).toContain(`${port} for Closeout (CLOSEOUT_PORT)`);
  expect(stderr).toContain(`${ui} for the Temporal UI (CLOSEOUT_TEMPORAL_UI_PORT)`);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  for (const server of servers) server.close();
  await rm(dataDir, { recursive: true });
});

test.each<[string, Record<string, string>, string]>([
  [
    'a server that cannot be reached',
    { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
    'The database cannot be reached',
  ],
  [
    'a Temporal that cannot be reached',
    { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    'Temporal cannot be reached at 127.0.0.1:1',
  ],
  [
    'a setting that is no URL',
    { DATABASE_URL: 'my database' },
    'DATABASE_URL must be a URL that begins with postgres:',
  ],
  [
    'a CLI that is not there',
    { CLOSEOUT_TEMPORAL_CLI: '/nowhere/temporal' },
    'CLOSEOUT_TEMPORAL_CLI names /nowhere/temporal, but there is no such file.',
  ],
  ['a policy with a typo', { CLOSEOUT_POLICY: resolve('package.json') }, 'CLOSEOUT_POLICY'],
])('%s: one clear line and exit code 1', async (_, env, message) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'closeout-bad-'));
  const names = ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'POSTGRES_PORT', 'SMTP_PORT', 'METRICS_PORT'];
  const ports = await freePorts(names.length);
  const own = Object.fromEntries(names.map((name, index) => [`CLOSEOUT_${name}`, `${ports[index]}`]));
  const { code, stderr } = await start({ CLOSEOUT_DATA: dataDir, ...own, ...env });
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
  await rm(dataDir, { recursive: true });
});

test("a second start in the same folder says who is there; secrets are the owner's only; a damaged folder is reported", async () => {
  const stack = await Stack.start();
  const second = await start(stack.env);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`Closeout is already running in ${stack.dataDir} (process ${stack.pids()['start']})`);
  for (const name of ['secrets.json', 'stack.json'])
    expect(((await stat(join(stack.dataDir, name))).mode & 0o777).toString(8)).toBe('600');
  const secrets = JSON.parse(await readFile(join(stack.dataDir, 'secrets.json'), 'utf8')) as { apiToken: string };
  expect(stack.log).toContain(secrets.apiToken);
  await stack.down();

  await writeFile(join(stack.dataDir, 'secrets.json'), '{');
  const damaged = await start(stack.env);
  expect(damaged.code).toBe(1);
  expect(damaged.stderr).toContain('secrets.json is damaged. Restore it, or move the data folder away');
  const database = await readlink(join(stack.dataDir, 'postgres')).catch(() => join(stack.dataDir, 'postgres'));
  await writeFile(join(stack.dataDir, 'secrets.json'), JSON.stringify(secrets));
  await rm(join(database, 'PG_VERSION'));
  const broken = await start(stack.env);
  expect(broken.code).toBe(1);
  expect(broken.stderr).toContain('is not empty but holds no database (PG_VERSION is missing)');
  await stack.end();
});

test('a data folder under a 0700 home: the database lies where its user can reach it', async () => {
  const home = await mkdtemp(join(process.getuid?.() === 0 ? homedir() : tmpdir(), 'closeout-home-'));
  await chmod(home, 0o700);
  const dataDir = join(home, 'checkout', '.closeout');
  await mkdir(dataDir, { recursive: true });
  const stack = await Stack.start({ env: { CLOSEOUT_DATA: dataDir } });
  await stack.open('HOME-1');
  await stack.client.clear('HOME-1');
  await stack.untilSurvey('HOME-1', 'sent');
  await stack.end();
  await rm(home, { recursive: true, force: true });
});

test('with a token: everything but health and the pages of customers asks for it', async () => {
  const stack = await Stack.start({
    env: { CLOSEOUT_PUBLIC_URL: 'https://care.example', CLOSEOUT_API_TOKEN: 'a-token-of-our-own' },
  });
  const status = async (path: string, authorization?: string) =>
    (await fetch(stack.url(path), { headers: authorization ? { authorization } : {} })).status;
  const api = '/tmf-api/troubleTicket/v4/troubleTicket';
  expect(await status(api)).toBe(401);
  expect(await status('/outbox')).toBe(401);
  expect(await status(api, 'Bearer wrong')).toBe(401);
  expect(await status(api, 'Bearer a-token-of-our-own')).toBe(200);
  expect(await status('/outbox', `Basic ${Buffer.from('me:a-token-of-our-own').toString('base64')}`)).toBe(200);
  expect(await status('/healthz')).toBe(200);
  expect(await status('/s/x')).toBe(404);
  await stack.end();
});

test('the processes leave nothing behind', () => {
  expect(execFileSync('ps', ['-eo', 'args']).toString()).not.toContain('closeout-home-');
});
