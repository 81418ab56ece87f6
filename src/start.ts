/** `npm start`: everything on one machine, and every part of it real. What the environment already names is not embedded. */
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { dataDirOf, loadConfig, loadLocalPorts, stackFile, type Config, type LocalPorts } from './setup/config.js';
import { CloseoutError } from './contract/errors.js';
import { endLeftovers, notePids, type Pids } from './local/leftovers.js';
import { startMailbox } from './local/mailbox.js';
import { startPart, type Part } from './local/part.js';
import { postgresUrl, startPostgres } from './local/postgres.js';
import { loadSecrets, writePrivately, type Secrets } from './local/secrets.js';
import { findTemporalCli, keepRunsFor30Days, startTemporal } from './local/temporal.js';
import { migrate, openDatabase } from './outside/database/database.js';
import { loadPolicy } from './setup/policy-file.js';

type Env = Record<string, string | undefined>;
/** A part and how to start it anew, should it die. */
type Recipe = [name: string, start: () => Promise<Part>];

export async function start(environment: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
  const dataDir = dataDirOf(environment);
  const logs = join(dataDir, 'logs');
  await mkdir(logs, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new CloseoutError(
      'BadSetting',
      `The data folder ${dataDir} cannot be made (${error.code}); set CLOSEOUT_DATA to one you can write to.`,
      'CLOSEOUT_DATA',
    );
  });
  await endLeftovers(dataDir);
  const ports = loadLocalPorts(environment);
  await claimPorts(environment, ports);
  const secrets = await loadSecrets(dataDir);
  const env = stackEnv(environment, ports, secrets, dataDir);
  const config = loadConfig({ ...env, CLOSEOUT_DATA: dataDir }); // bad settings are told before anything is started
  loadPolicy(config.policyFile);
  if (environment['DATABASE_URL']) await reachDatabase(config);
  if (environment['TEMPORAL_ADDRESS']) await reachTemporal(config);

  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  const mailbox = environment['SMTP_URL']
    ? undefined
    : await startMailbox(join(dataDir, 'outbox'), ports.CLOSEOUT_SMTP_PORT);
  const parts = new Map<string, Part>();
  try {
    for (const [name, startIt] of await recipes(environment, env, { dataDir, logs, ports, secrets, say })) {
      if (stopping.signal.aborted) return;
      await keepUp(parts, dataDir, name, startIt, stopping, say);
    }
    await writePrivately(stackFile(dataDir), env);
    say(welcome(env));
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
  } finally {
    stopping.abort();
    if (parts.size > 0) say('Stopping; the next "npm start" goes on where this one ends.');
    for (const part of [...parts.values()].reverse()) await part.stop();
    await mailbox?.stop();
    await Promise.all([rm(stackFile(dataDir), { force: true }), notePids(dataDir, {})]);
  }
  const why: unknown = stopping.signal.reason;
  if (why instanceof CloseoutError) throw why;
}

async function reachDatabase({ databaseUrl }: Config): Promise<void> {
  const db = openDatabase(databaseUrl, () => undefined);
  await migrate(db).finally(() => db.destroy());
}

async function reachTemporal({ temporal: { connection: options } }: Config): Promise<void> {
  const connection = await Connection.connect({ ...options, connectTimeout: 5_000 }).catch((error: unknown) => {
    throw new CloseoutError(
      'TemporalUnavailable',
      `Temporal cannot be reached at ${options.address}; see whether TEMPORAL_ADDRESS is right and the server is up.`,
      'TEMPORAL_ADDRESS',
      { cause: error },
    );
  });
  await connection.close();
}

/** What the processes of the stack are told; a setting that is already there stays. */
function stackEnv(given: Env, ports: LocalPorts, secrets: Secrets, dataDir: string): Record<string, string> {
  const {
    CLOSEOUT_PORT,
    CLOSEOUT_TEMPORAL_PORT,
    CLOSEOUT_TEMPORAL_UI_PORT,
    CLOSEOUT_POSTGRES_PORT,
    CLOSEOUT_SMTP_PORT,
    CLOSEOUT_METRICS_PORT,
  } = ports;
  const embedded = {
    ...(given['TEMPORAL_ADDRESS']
      ? {}
      : {
          TEMPORAL_ADDRESS: `127.0.0.1:${CLOSEOUT_TEMPORAL_PORT}`,
          CLOSEOUT_TEMPORAL_UI: `http://127.0.0.1:${CLOSEOUT_TEMPORAL_UI_PORT}`,
        }),
    DATABASE_URL: postgresUrl({ port: CLOSEOUT_POSTGRES_PORT, password: secrets.databasePassword }),
    ...(given['SMTP_URL']
      ? {}
      : { SMTP_URL: `smtp://127.0.0.1:${CLOSEOUT_SMTP_PORT}`, CLOSEOUT_OUTBOX: join(dataDir, 'outbox') }),
    CLOSEOUT_WORKER_METRICS: `127.0.0.1:${CLOSEOUT_METRICS_PORT}`,
    CLOSEOUT_PORT: `${CLOSEOUT_PORT}`,
    CLOSEOUT_API_TOKEN: secrets.apiToken,
    CLOSEOUT_LINK_KEYS: secrets.linkKeys,
    CLOSEOUT_ADDRESS_KEY: secrets.addressKey,
  };
  const settings = Object.entries(given).filter(
    ([name, value]) => value && /^(TEMPORAL_|CLOSEOUT_|DATABASE_URL|SMTP_URL)/.test(name),
  );
  return { ...embedded, ...(Object.fromEntries(settings) as Record<string, string>) };
}

interface Stack {
  dataDir: string;
  logs: string;
  ports: LocalPorts;
  secrets: Secrets;
  say: (line: string) => void;
}

/** In the order they need each other; they are stopped in the opposite one. */
async function recipes(
  given: Env,
  env: Record<string, string>,
  { dataDir, logs, ports, secrets, say }: Stack,
): Promise<Recipe[]> {
  const list: Recipe[] = [];
  const log = (name: string) => join(logs, `${name}.log`);
  if (!given['DATABASE_URL']) {
    const postgres = {
      dataDir,
      port: ports.CLOSEOUT_POSTGRES_PORT,
      password: secrets.databasePassword,
      logFile: log('postgres'),
    };
    list.push(['PostgreSQL', () => startPostgres(postgres)]);
  }
  if (!given['TEMPORAL_ADDRESS']) {
    const cli = await findTemporalCli(given, say);
    const temporal = {
      cli,
      dataDir,
      port: ports.CLOSEOUT_TEMPORAL_PORT,
      uiPort: ports.CLOSEOUT_TEMPORAL_UI_PORT,
      logFile: log('temporal'),
    };
    const startIt = async () => {
      const part = await startTemporal(temporal);
      await keepRunsFor30Days(`127.0.0.1:${temporal.port}`);
      return part;
    };
    list.push(['Temporal', startIt]);
  }
  const cli = fileURLToPath(new URL('./cli.js', import.meta.url));
  for (const name of ['worker', 'gateway']) {
    // For these processes only: a gateway started by hand beside them always asks for the token.
    const spawn = { env: { ...process.env, CLOSEOUT_TRUST_LOOPBACK: 'yes', ...env } };
    list.push([
      name,
      () =>
        startPart({ name, command: process.execPath, args: [cli, name], logFile: log(name), ready: 'message', spawn }),
    ]);
  }
  return list;
}

/** Starts a part, and again whenever it dies; gives the whole stack up when it keeps dying. */
async function keepUp(
  parts: Map<string, Part>,
  dataDir: string,
  name: string,
  startIt: Recipe[1],
  stopping: AbortController,
  say: (line: string) => void,
): Promise<void> {
  const begun = Date.now();
  const part = await startIt();
  if (stopping.signal.aborted) return part.stop(); // asked to stop meanwhile
  parts.set(name, part);
  const pids: Pids = { start: process.pid };
  for (const [partName, { pid }] of parts) pids[partName] = pid;
  await notePids(dataDir, pids);
  say(`${name}: ready (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  void part.ended.then(async (how) => {
    if (stopping.signal.aborted) return;
    say(`${name}: ended with ${how}; starting it again`);
    if (Date.now() - begun < 5_000) await pause(2_000);
    if (stopping.signal.aborted) return;
    await keepUp(parts, dataDir, name, startIt, stopping, say).catch((error: unknown) => stopping.abort(error));
  });
}

/** All that are taken are told at once, before anything is started. */
async function claimPorts(given: Env, ports: LocalPorts): Promise<void> {
  const needed: [keyof LocalPorts, string][] = [
    ['CLOSEOUT_PORT', 'Closeout'],
    ['CLOSEOUT_METRICS_PORT', "the worker's metrics"],
    ...(given['TEMPORAL_ADDRESS']
      ? []
      : (
          [
            ['CLOSEOUT_TEMPORAL_PORT', 'Temporal'],
            ['CLOSEOUT_TEMPORAL_UI_PORT', 'the Temporal UI'],
          ] as const
        ).map((pair) => [...pair] as [keyof LocalPorts, string])),
    ...(given['DATABASE_URL'] ? [] : [['CLOSEOUT_POSTGRES_PORT', 'PostgreSQL'] as [keyof LocalPorts, string]]),
    ...(given['SMTP_URL'] ? [] : [['CLOSEOUT_SMTP_PORT', 'the local mailbox'] as [keyof LocalPorts, string]]),
  ];
  const free = await Promise.all(needed.map(([setting]) => isFree(ports[setting])));
  const taken = needed.filter((_, index) => !free[index]);
  if (taken.length === 0) return;
  const list = taken.map(([setting, what]) => `${ports[setting]} for ${what} (${setting})`).join(', ');
  throw new CloseoutError(
    'BadSetting',
    `Taken by another program: port ${list}. Stop that program, or set the setting in brackets to another port.`,
    taken[0]?.[0],
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function welcome(env: Record<string, string>): string {
  const base = env['CLOSEOUT_PUBLIC_URL'] ?? `http://127.0.0.1:${env['CLOSEOUT_PORT']}`;
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    ['Dashboard', `${base}/`],
    ['Temporal UI', env['CLOSEOUT_TEMPORAL_UI'] ?? `of ${env['TEMPORAL_ADDRESS']}`],
    ['API', `${base}/tmf-api/troubleTicket/v4/troubleTicket`],
    ['Outbox', env['CLOSEOUT_OUTBOX'] ? `${base}/outbox` : `mail goes to ${new URL(env['SMTP_URL'] ?? '').host}`],
    ['Token', env['CLOSEOUT_API_TOKEN'] ?? ''],
  );
  return [
    'Closeout is running.',
    table.toString(),
    'Try next, in a second terminal:',
    '  npx closeout open --id DEMO-1 --description "No dial tone" --customer C-1 --email ann@customers.example',
    '  npx closeout clear DEMO-1',
    '  npx closeout status DEMO-1',
    '  npx closeout replay examples/history.csv',
    'Ctrl-C stops everything.',
  ].join('\n');
}
