/** A real Temporal dev server on this machine: found, or built once, then kept for the user. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { CloseoutError } from '../contract/errors.js';
import { cacheDir } from './folders.js';
import { startPart, type Part } from './part.js';

/** The newest version that `go install` can build; also what every figure in ARCHITECTURE.md was measured with. */
const version = '1.5.1';

/**
 * The dev server has one history shard that loads its tasks 20 times a second; that alone makes a closing take 224 ms
 * instead of 31 ms (measured). Write-ahead logging triples the throughput of its file.
 */
const tuning = [
  ...['journal_mode=wal', 'synchronous=normal'].flatMap((pragma) => ['--sqlite-pragma', pragma]),
  ...[
    'history.transferProcessorMaxPollRPS=1000',
    'system.enableActivityEagerExecution=true',
    // Without it priorities are ignored: one report would wait behind a whole mass clear (measured: 7 s against 0.6 s).
    'matching.useNewMatcher=true',
  ].flatMap((value) => ['--dynamic-config-value', value]),
];

export interface LocalTemporal {
  cli: string;
  dataDir: string;
  port: number;
  uiPort: number;
  logFile: string;
}

export async function startTemporal({ cli, dataDir, port, uiPort, logFile }: LocalTemporal): Promise<Part> {
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
    ...tuning,
  ];
  return startPart({ name: 'Temporal', command: cli, args, logFile, ready: () => isServing(`127.0.0.1:${port}`) });
}

/** The dev server forgets finished runs after a day; operators look back further. */
export async function keepRunsFor30Days(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const workflowExecutionRetentionTtl = { seconds: (30 * 24 * 60 * 60) as never };
    await connection.workflowService.updateNamespace({
      namespace: 'default',
      config: { workflowExecutionRetentionTtl },
    });
  } finally {
    await connection.close();
  }
}

async function isServing(address: string): Promise<boolean> {
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

/** Setting, PATH, cache, the SDK's download, `go install`: the first that works. `say` reports what takes long. */
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
  return (await download(dir, cached, say)) ?? (await goInstall(dir, cached, say));
}

/** The SDK's test server knows how to download the CLI; starting it once leaves the file in the folder it is given. */
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
    say('Temporal: downloads are blocked here');
    return undefined;
  }
}

/** Built in a folder of its own and moved into place, so that a broken-off build leaves nothing that looks usable. */
async function goInstall(dir: string, target: string, say: (line: string) => void): Promise<string> {
  const started = Date.now();
  const building = join(dir, `building-${process.pid}`);
  await mkdir(building, { recursive: true });
  const tell = () => say(`Temporal: building the dev server with Go, once; takes 2 to 5 minutes (${elapsed(started)})`);
  tell();
  const ticker = setInterval(tell, process.stdout.isTTY ? 1000 : 15_000);
  try {
    await goBuild(building);
    await rename(join(building, 'temporal'), target);
    return target;
  } catch (error) {
    throw new CloseoutError(
      'TemporalUnavailable',
      'No Temporal dev server could be found, downloaded or built. Install the Temporal CLI (https://docs.temporal.io/cli) so that "temporal" is on PATH, name it with CLOSEOUT_TEMPORAL_CLI, or set TEMPORAL_ADDRESS to a server you have.',
      undefined,
      { cause: error },
    );
  } finally {
    clearInterval(ticker);
    await rm(building, { recursive: true, force: true });
  }
}

function goBuild(building: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = spawn('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${version}`], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '' },
      stdio: 'ignore',
    });
    go.once('error', reject);
    go.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`go install ended with ${code}`))));
  });
}

const elapsed = (since: number) => `${Math.round((Date.now() - since) / 1000)} s`;
