/** `npm start`: runs everything on one machine, with real parts. A part that the environment configures is not embedded. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { CloseoutClient } from './client.js';
import { migrate } from './client/database.js';
import { CloseoutError } from './contract/errors.js';
import { makePrivate } from './local/folders.js';
import { endLeftovers, notePids } from './local/leftovers.js';
import { startMailbox } from './local/mailbox.js';
import { assertPortsFree, type NeededPort } from './local/ports.js';
import { postgresUrl } from './local/postgres.js';
import { startProxy } from './local/proxy.js';
import { loadSecrets, writePrivately, type Secrets } from './local/secrets.js';
import { Supervisor } from './local/supervise.js';
import {
  dataDirOf,
  loadConfig,
  loadGatewayConfig,
  loadLocalPorts,
  loadWorkerConfig,
  stackFile,
  type Config,
  type LocalPorts,
} from './setup/config.js';
import { loadBrands } from './setup/brands.js';
import { isLoopback } from './contract/loopback.js';
import { loadSystems } from './setup/systems-file.js';
import { loadPolicy } from './setup/policy-file.js';
import { endOnSignal } from './setup/startup.js';
import { clusterPorts, ownPortsOf, partsOf, type Env, type Say, type Stack } from './start/parts.js';

/** `isCluster`: Temporal's server on PostgreSQL, and two workers and two gateways behind a proxy. */
export async function start(given: NodeJS.ProcessEnv, say: Say, isCluster = false): Promise<void> {
  const begin = endOnSignal(() => say('Stopped before a part was started.'));
  const stack = await prepare(given, isCluster);
  const { dataDir, ports, env } = stack;
  const parts = await partsOf(stack, say);
  begin();
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  const mailbox = given['SMTP_URL'] ? undefined : await startMailbox(join(dataDir, 'outbox'), ports.CLOSEOUT_SMTP_PORT);
  const proxy = isCluster ? await startProxy(ports.CLOSEOUT_PORT, clusterPorts(ports).gateways) : undefined;
  const supervisor = new Supervisor(dataDir, stopping.signal, say);
  try {
    for (const part of parts) {
      if (stopping.signal.aborted) return;
      await supervisor.start(part);
    }
    await writePrivately(stackFile(dataDir), env);
    say(welcome(env, await unusedId(env)));
    if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
  } finally {
    stopping.abort();
    await supervisor.stopAll();
    await Promise.all([mailbox?.stop(), proxy?.stop()]);
    await Promise.all([rm(stackFile(dataDir), { force: true }), notePids(dataDir, {})]);
  }
}

/** Reports everything that is wrong with the settings before a part is started. */
async function prepare(given: NodeJS.ProcessEnv, isCluster: boolean): Promise<Stack> {
  const dataDir = dataDirOf(given);
  await makePrivate(dataDir, 'logs', 'outbox').catch((error: NodeJS.ErrnoException) => {
    throw new CloseoutError(
      'BadSetting',
      `The data folder ${dataDir} cannot be created (${error.code}); set CLOSEOUT_DATA to one you can write to.`,
      'CLOSEOUT_DATA',
    );
  });
  await endLeftovers(dataDir);
  // What was left by a start that was killed is not ours: settings that are not given would come from there.
  await rm(stackFile(dataDir), { force: true });
  const ports = loadLocalPorts(given);
  if (isCluster) assertAllEmbedded(given);
  await assertPortsFree(neededPorts(given, ports, isCluster));
  const secrets = await loadSecrets(dataDir);
  const env = stackEnv(given, ports, secrets, dataDir);
  if (isCluster) delete env['CLOSEOUT_TEMPORAL_UI']; // the server itself has none
  const all = { ...env, CLOSEOUT_DATA: dataDir };
  const config = loadConfig(all);
  loadWorkerConfig(all);
  loadGatewayConfig(all);
  loadSystems(config.systemsFile, { ...given, ...env });
  loadPolicy(config.policyFile, loadBrands(config).ids);
  if (given['DATABASE_URL']) await migrate(config.databaseUrl);
  if (given['TEMPORAL_ADDRESS']) await reachTemporal(config);
  return { given, env, dataDir, ports, secrets, isCluster };
}

async function reachTemporal({ temporal: { connection: options } }: Config): Promise<void> {
  const connection = await Connection.connect({ ...options, connectTimeout: 5_000 }).catch((error: unknown) => {
    throw new CloseoutError(
      'TemporalUnavailable',
      `Temporal cannot be reached at ${options.address}; check that TEMPORAL_ADDRESS is right and the server is up.`,
      'TEMPORAL_ADDRESS',
      { cause: error },
    );
  });
  await connection.close();
}

function assertAllEmbedded(given: Env): void {
  const setting = ['DATABASE_URL', 'TEMPORAL_ADDRESS'].find((name) => given[name]);
  if (setting) throw new CloseoutError('BadSetting', `${setting} must not be set: a cluster has its own.`, setting);
}

function neededPorts(given: Env, ports: LocalPorts, isCluster: boolean): NeededPort[] {
  const need = (setting: keyof LocalPorts, purpose: string) => ({ setting, port: ports[setting], purpose });
  const needed = [need('CLOSEOUT_PORT', 'Closeout'), need('CLOSEOUT_METRICS_PORT', "the worker's metrics")];
  if (!given['TEMPORAL_ADDRESS']) needed.push(need('CLOSEOUT_TEMPORAL_PORT', 'Temporal'));
  if (!given['TEMPORAL_ADDRESS'] && !isCluster) needed.push(need('CLOSEOUT_TEMPORAL_UI_PORT', 'the Temporal UI'));
  if (isCluster)
    needed.push(...ownPortsOf(ports).map((port) => ({ ...need('CLOSEOUT_CLUSTER_PORT', 'the cluster'), port })));
  if (!given['DATABASE_URL']) needed.push(need('CLOSEOUT_POSTGRES_PORT', 'PostgreSQL'));
  if (!given['SMTP_URL']) needed.push(need('CLOSEOUT_SMTP_PORT', 'the local mailbox'));
  return needed;
}

/** The settings of our own processes. Settings that the environment gives take precedence. */
function stackEnv(given: Env, ports: LocalPorts, secrets: Secrets, dataDir: string): Record<string, string> {
  const env: Record<string, string> = {
    DATABASE_URL: postgresUrl({ port: ports.CLOSEOUT_POSTGRES_PORT, password: secrets.databasePassword }),
    CLOSEOUT_WORKER_METRICS: `127.0.0.1:${ports.CLOSEOUT_METRICS_PORT}`,
    CLOSEOUT_PORT: `${ports.CLOSEOUT_PORT}`,
    CLOSEOUT_PUBLIC_URL: `http://127.0.0.1:${ports.CLOSEOUT_PORT}`,
    CLOSEOUT_API_TOKEN: secrets.apiToken,
    CLOSEOUT_LINK_KEYS: secrets.linkKeys,
    CLOSEOUT_ADDRESS_KEY: secrets.addressKey,
  };
  if (!given['TEMPORAL_ADDRESS']) {
    env['TEMPORAL_ADDRESS'] = `127.0.0.1:${ports.CLOSEOUT_TEMPORAL_PORT}`;
    env['CLOSEOUT_TEMPORAL_UI'] = `http://127.0.0.1:${ports.CLOSEOUT_TEMPORAL_UI_PORT}`;
  }
  if (!given['SMTP_URL']) {
    env['SMTP_URL'] = `smtp://127.0.0.1:${ports.CLOSEOUT_SMTP_PORT}`;
    env['CLOSEOUT_OUTBOX'] = join(dataDir, 'outbox');
  }
  // Mail that leaves this machine needs a sender and an operator that exist.
  if (isLoopback(given['SMTP_URL'] ?? env['SMTP_URL'] ?? '')) {
    env['CLOSEOUT_MAIL_FROM'] = 'Customer care <care@closeout.example>';
    env['CLOSEOUT_ALERT_TO'] = 'operator@closeout.example';
  }
  for (const [name, value] of Object.entries(given))
    if (value && /^(TEMPORAL_|CLOSEOUT_|DATABASE_URL|SMTP_URL)/.test(name)) env[name] = value;
  return env;
}

/** For the commands to try: the first `DEMO-` id that no report has. */
async function unusedId(env: Record<string, string>): Promise<string> {
  const client = CloseoutClient.connect(loadConfig(env));
  try {
    const { reports } = await client.listWithStatus({ search: 'DEMO-', limit: 1000 });
    const used = new Set(reports.map(({ report }) => report.id));
    let number = 1;
    while (used.has(`DEMO-${number}`)) number++;
    return `DEMO-${number}`;
  } finally {
    await client.close();
  }
}

function welcome(env: Record<string, string>, demo: string): string {
  const base = env['CLOSEOUT_PUBLIC_URL'] ?? `http://127.0.0.1:${env['CLOSEOUT_PORT']}`;
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    ['Desk', `${base}/`],
    ['Temporal UI', env['CLOSEOUT_TEMPORAL_UI'] ?? `of ${env['TEMPORAL_ADDRESS']}`],
    ['API', `${base}/tmf-api/troubleTicket/v4/troubleTicket`],
    ['Outbox', env['CLOSEOUT_OUTBOX'] ? `${base}/outbox` : `mail goes to ${new URL(env['SMTP_URL'] ?? '').host}`],
    ['Token', env['CLOSEOUT_API_TOKEN'] ?? ''],
  );
  return [
    'Closeout is running.',
    table.toString(),
    'Try next, in a second terminal:',
    `  npx closeout open --id ${demo} --description "No dial tone" --customer C-1 --email ann@customers.example`,
    `  npx closeout clear ${demo}`,
    `  npx closeout status ${demo}`,
    `  npx closeout timeline ${demo}`,
    '  npx closeout replay examples/history.csv',
    'Ctrl-C stops everything.',
  ].join('\n');
}
