/** What other projects install: packed, installed without a registry, compiled by its types alone, and run against a stack. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { reportStatuses } from '../../src/contract/reports.js';
import { ticketStatuses } from '../../src/http-client.js';
import { Stack } from '../stack/stack.js';

const run = promisify(execFile);
let folder: string;
let stack: Stack;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'closeout-test-client-'));
  stack = await Stack.start();
});
afterAll(() => stack.end());

const program = `
import { CloseoutHttp, CloseoutHttpError, type Ticket } from 'closeout-client';

const closeout = new CloseoutHttp({ url: process.env['CLOSEOUT_URL'] ?? '', token: process.env['CLOSEOUT_TOKEN'] });
const opening = { id: 'PACKED-1', externalId: 'X-1', description: 'No dial tone', severity: 'minor', ticketType: 'incident' };
const opened: Ticket = await closeout.open(opening);
const again: Ticket = await closeout.open({ ...opening, id: 'PACKED-2' });
await closeout.change('PACKED-1', { name: 'Line 3', priority: null });
const cleared = await closeout.clear('PACKED-1', 'line card replaced');
const { total } = await closeout.list({ filter: { externalId: 'X-1' }, sort: ['-creationDate'], limit: 10 });
const missing: unknown = await closeout.get('none').catch((error: unknown) => error);
const isGone = missing instanceof CloseoutHttpError && !missing.isTemporary && missing.code;
console.log(JSON.stringify([opened.id, again.id, cleared.status, total, isGone, (await closeout.get('PACKED-1')).name]));
`;

test('the client package works, and compiles without skipLibCheck', async () => {
  const { stdout: name } = await run('npm', ['pack', resolve('client'), '--silent'], { cwd: folder });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${name.trim()}`], { cwd: folder });
  await symlink(resolve('node_modules/@types'), join(folder, 'node_modules/@types'));
  await symlink(resolve('node_modules/undici-types'), join(folder, 'node_modules/undici-types'));
  await writeFile(join(folder, 'program.ts'), program);
  const options = ['--strict', '--exactOptionalPropertyTypes', 'false', '--module', 'NodeNext', '--target', 'ES2022'];
  await run(
    process.execPath,
    [resolve('node_modules/typescript/bin/tsc'), ...options, '--types', 'node', 'program.ts'],
    {
      cwd: folder,
    },
  );
  const token = (await stack.closeout('tokens', 'create', 'packed', '--scope', 'read,write')).stdout.trim();
  const env = { ...process.env, CLOSEOUT_URL: stack.url(''), CLOSEOUT_TOKEN: token };
  const { stdout } = await run(process.execPath, ['program.js'], { cwd: folder, env });
  expect(JSON.parse(stdout)).toEqual(['PACKED-1', 'PACKED-1', expect.any(String), 1, 'ReportNotFound', 'Line 3']);
});

test('the main package exports the same client', async () => {
  const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as { exports: Record<string, object> };
  const files = Object.values(exports['./http-client'] ?? {}) as string[];
  expect(files).toEqual(['./dist/http-client.d.ts', './dist/http-client.js']);
  const code = async (file: string) => (await readFile(file, 'utf8')).replace(/^\/\/# sourceMappingURL.*$/m, '');
  for (const file of files) expect(await code(file)).toBe(await code(join('client', basename(file))));
});

test('its statuses, which it may not import, are those of the contract', () => {
  expect([...ticketStatuses].sort()).toEqual([...reportStatuses].sort());
});

test('the main package holds what runs, and no tests', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { maxBuffer: 10_000_000 });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  expect(paths).toContain('dist/cli.js');
  expect(paths).toContain('dist/worker/workflow-bundle.js');
  const assets = (await readdir('src', { recursive: true })).filter((path) => /\.(?!ts$)\w+$/.test(path));
  expect(paths).toEqual(expect.arrayContaining(assets.map((path) => `dist/${path}`)));
  const sources = new Set(
    (await readdir('src', { recursive: true })).map((path) => `dist/${path.replace(/\.ts$/, '')}`),
  );
  const compiled = paths.filter((path) => /^dist\/.*\.js$/.test(path) && !path.includes('workflow-bundle'));
  expect(compiled.filter((path) => !sources.has(path.replace(/\.js$/, '')))).toEqual([]);
  expect(paths.filter((path) => /^(test|bench|src|scripts)\/|pictures|dist\/tools|\.map$/.test(path))).toEqual([]);
});
