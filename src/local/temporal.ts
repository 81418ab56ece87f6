/** A real Temporal dev server on this machine: found, or built once and then cached. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { CloseoutError } from '../contract/errors.js';
import { searchAttributes } from '../contract/messages.js';
import { cacheDir } from './folders.js';
import { goInstall } from './go-install.js';
import { startPart, type Part } from './part.js';

/** The newest version that `go install` can build. The figures in docs/performance.md were measured with it. */
const version = '1.5.1';

/** Write-ahead logging triples the throughput of the server's file (measured). */
const pragmas = ['journal_mode=wal', 'synchronous=normal'];

export const dynamicConfig = [
  // By default, the dev server loads its tasks 20 times per second, so that a closing takes 224 ms instead of 31 ms (measured).
  'history.transferProcessorMaxPollRPS=1000',
  'system.enableActivityEagerExecution=true',
  // Without it, priorities are ignored, and a report waits 7 s instead of 0.6 s behind a mass clear (measured).
  'matching.useNewMatcher=true',
];

/** The dev server would read the definitions of the search attributes from its file for each use: a tenth of what an opening costs. */
const cachedSearchAttributes = 'system.forceSearchAttributesCacheRefreshOnRead=false';

const settings = [
  ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
  ...[...dynamicConfig, cachedSearchAttributes].flatMap((value) => ['--dynamic-config-value', value]),
  // Known from the start; those that are registered later are accepted a moment later.
  ...Object.values(searchAttributes).flatMap(({ name, type }) => ['--search-attribute', `${name}=${type}`]),
];

export interface LocalTemporal {
  cli: string;
  dataDir: string;
  port: number;
  uiPort: number;
  logFile: string;
}

export function startTemporal({ cli, dataDir, port, uiPort, logFile }: LocalTemporal): Part {
  const address = `127.0.0.1:${port}`;
  const file = join(dataDir, 'temporal.db');
  const ports = ['--port', `${port}`, '--ui-port', `${uiPort}`];
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    ...ports,
    '--db-filename',
    file,
    '--log-level',
    'warn',
    ...settings,
  ];
  const part = startPart({ name: 'Temporal', command: cli, args, logFile, ready: () => isServing(address) });
  return { ...part, ready: part.ready.then(() => keepRunsFor30Days(address)) };
}

/** How long finished runs are kept, for operators. */
export const retention = { seconds: (30 * 24 * 60 * 60) as never };

/** The dev server deletes finished runs after a day. */
async function keepRunsFor30Days(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.updateNamespace({
      namespace: 'default',
      config: { workflowExecutionRetentionTtl: retention },
    });
  } finally {
    await connection.close();
  }
}

export async function isServing(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1000 });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** Tries the setting, PATH, the cache, the SDK's download and `go install`, in this order. `say` reports what takes long. */
export async function findTemporalCli(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string> {
  const given = env['CLOSEOUT_TEMPORAL_CLI'];
  if (given) {
    if (existsSync(given)) return given;
    throw new CloseoutError(
      'BadSetting',
      `CLOSEOUT_TEMPORAL_CLI names ${given}, but there is no such file.`,
      'CLOSEOUT_TEMPORAL_CLI',
    );
  }
  const onPath = (env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'temporal'))
    .find(existsSync);
  if (onPath) return onPath;
  const dir = cacheDir(`temporal-${version}`);
  const cached = join(dir, 'temporal');
  if (existsSync(cached)) return cached;
  return (await download(dir, cached, say)) ?? (await goBuild(dir, cached, say));
}

/** The SDK's test server can download the CLI. Starting it once leaves the file in the given folder. */
async function download(dir: string, target: string, say: (line: string) => void): Promise<string | undefined> {
  say('Temporal: downloading the dev server (once)');
  const testing = await import('@temporalio/testing').catch(() => undefined);
  if (!testing) return undefined; // installed without development dependencies
  const downloadDir = join(dir, 'download');
  try {
    await mkdir(downloadDir, { recursive: true });
    const executable = { type: 'cached-download', version: `v${version}`, downloadDir } as const;
    const server = await testing.TestWorkflowEnvironment.createLocal({ server: { executable } });
    await server.teardown();
    const [file] = await readdir(downloadDir);
    if (!file) return undefined;
    await rename(join(downloadDir, file), target);
    return target;
  } catch {
    say('Temporal: the dev server could not be downloaded');
    return undefined;
  }
}

async function goBuild(dir: string, target: string, say: (line: string) => void): Promise<string> {
  try {
    const source = `github.com/temporalio/cli/cmd/temporal@v${version}`;
    await goInstall(dir, [source], 'Temporal: building the dev server', say);
    return target;
  } catch (error) {
    throw new CloseoutError(
      'TemporalUnavailable',
      'No Temporal dev server could be found, downloaded or built. Install the Temporal CLI (https://docs.temporal.io/cli) so that "temporal" is on PATH, name it with CLOSEOUT_TEMPORAL_CLI, or set TEMPORAL_ADDRESS to a server you have.',
      undefined,
      { cause: error },
    );
  }
}
