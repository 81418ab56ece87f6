/** Temporal's server on PostgreSQL with several history shards, as production runs it; built once and then cached. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { CloseoutError } from '../contract/errors.js';
import { cacheDir } from './folders.js';
import { goInstall, isBuilt } from './go-install.js';
import { startPart, type Part } from './part.js';
import { postgresUrl, queryOnce } from './postgres.js';
import { dynamicConfig, isServing, retention } from './temporal.js';

const version = '1.29.1';
const historyShards = 4;
/** Connections of the server to PostgreSQL, for its own tables and for those of visibility. */
const connections = { temporal: 20, temporal_visibility: 10 };

export interface Programs {
  server: string;
  sql: string;
}

/** Throws `TemporalUnavailable` without Go. */
export async function buildTemporalServer(say: (line: string) => void): Promise<Programs> {
  const dir = cacheDir(`temporal-server-${version}`);
  if (!isBuilt(dir, ['server', 'sql'])) {
    const packages = ['server', 'tools/sql'].map((name) => `go.temporal.io/server/cmd/${name}@v${version}`);
    await goInstall(dir, packages, 'Temporal: building the server', say).catch((error: unknown) => {
      const message = 'The Temporal server could not be built; Go must be installed.';
      throw new CloseoutError('TemporalUnavailable', message, undefined, { cause: error });
    });
  }
  return { server: join(dir, 'server'), sql: join(dir, 'sql') };
}

export interface LocalCluster extends Programs {
  dataDir: string;
  /** Of the frontend. */
  port: number;
  /** The first of seven that the server uses itself. */
  firstPort: number;
  database: { port: number; user: string; password: string };
  logFile: string;
}

export async function startTemporalCluster(cluster: LocalCluster): Promise<Part> {
  const { server, dataDir, port, logFile } = cluster;
  for (const name of Object.keys(connections)) await prepare(cluster, name);
  const root = join(dataDir, 'temporal-cluster');
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'dynamic.yaml'), stringify(dynamicValues()));
  await writeFile(join(root, 'cluster.yaml'), stringify(configOf(cluster, join(root, 'dynamic.yaml'))), {
    mode: 0o600,
  });
  const address = `127.0.0.1:${port}`;
  const part = startPart({
    name: 'Temporal',
    command: server,
    args: ['--root', root, '--config', '.', '--env', 'cluster', '--allow-no-auth', 'start'],
    logFile,
    ready: () => isUp(address),
  });
  return { ...part, ready: part.ready.then(() => createNamespace(address)) };
}

/** As the dev server is given them. */
const dynamicValues = (): object =>
  Object.fromEntries(
    dynamicConfig.map((setting) => {
      const [name = '', value = ''] = setting.split('=');
      return [name, [{ value: JSON.parse(value) as unknown }]];
    }),
  );

/** The database and its tables, brought up to date by the server's own tool. */
async function prepare({ sql, database: { port, user, password } }: LocalCluster, name: string): Promise<void> {
  const login = ['--plugin', 'postgres12_pgx', '--ep', '127.0.0.1', '-p', `${port}`, '-u', user];
  // Every user of the machine can read the arguments of a process.
  const env = { ...process.env, SQL_PASSWORD: password };
  const tool = (...args: string[]) =>
    promisify(execFile)(sql, [...login, '--db', name, ...args], { env }).catch((error: { stderr?: string }) => {
      const reason = error.stderr?.trim().split('\n').at(-1) ?? 'no reason';
      throw new CloseoutError('Unexpected', `Temporal's tables cannot be prepared (${args[0]}): ${reason}`);
    });
  if (await isNew(postgresUrl({ port, password }), name)) {
    await tool('create-database');
    await tool('setup-schema', '-v', '0.0');
  }
  await tool('update-schema', '--schema-name', `postgresql/v12/${name === 'temporal' ? 'temporal' : 'visibility'}`);
}

async function isNew(url: string, name: string): Promise<boolean> {
  return (await queryOnce(url, 'select from pg_database where datname = $1', [name])).rowCount === 0;
}

function configOf({ port, firstPort, database }: LocalCluster, dynamicFile: string): object {
  const store = (databaseName: keyof typeof connections) => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: `127.0.0.1:${database.port}`,
      connectProtocol: 'tcp',
      user: database.user,
      password: database.password,
      maxConns: connections[databaseName],
      maxIdleConns: connections[databaseName],
      maxConnLifetime: '1h',
    },
  });
  const service = (grpcPort: number, membershipPort: number) => ({
    rpc: { grpcPort, membershipPort, bindOnIP: '127.0.0.1' },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      numHistoryShards: historyShards,
      defaultStore: 'default',
      visibilityStore: 'visibility',
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: service(port, firstPort),
      history: service(firstPort + 1, firstPort + 2),
      matching: service(firstPort + 3, firstPort + 4),
      worker: service(firstPort + 5, firstPort + 6),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: `127.0.0.1:${port}` },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: `127.0.0.1:${port}` },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '60s' },
  };
}

/** Before there is a namespace. */
async function isUp(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1000 });
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

async function createNamespace(address: string): Promise<void> {
  if (await isServing(address)) return;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace: 'default',
      workflowExecutionRetentionPeriod: retention,
    });
  } finally {
    await connection.close();
  }
  // The server learns of it a little later.
  while (!(await isServing(address))) await setTimeout(200);
}
