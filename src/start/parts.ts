/** The parts of a stack on one machine. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate } from '../client/database.js';
import { startPart } from '../local/part.js';
import { databaseUser, startPostgres } from '../local/postgres.js';
import type { Secrets } from '../local/secrets.js';
import type { PartDefinition } from '../local/supervise.js';
import { buildTemporalServer, startTemporalCluster } from '../local/temporal-cluster.js';
import { findTemporalCli, startTemporal } from '../local/temporal.js';
import { loadConfig, type LocalPorts } from '../setup/config.js';

export type Env = Record<string, string | undefined>;
export type Say = (line: string) => void;

/** Settings, secrets and folders of the parts. */
export interface Stack {
  given: Env;
  /** The settings of our own processes. */
  env: Record<string, string>;
  dataDir: string;
  ports: LocalPorts;
  secrets: Secrets;
  /** Temporal's server on PostgreSQL, and two of each of our own. */
  isCluster: boolean;
}

/** The other ports of a cluster, numbered consecutively. */
export const clusterPorts = ({ CLOSEOUT_CLUSTER_PORT: first }: LocalPorts) => ({
  /** The first of seven of the server. */
  server: first,
  gateways: [first + 7, first + 8],
  /** Of the second worker. */
  metrics: first + 9,
});

export const ownPortsOf = ({ CLOSEOUT_CLUSTER_PORT: first }: LocalPorts): number[] =>
  Array.from({ length: 10 }, (_, index) => first + index);

/** In the order in which the parts need each other. */
export async function partsOf(stack: Stack, say: Say): Promise<PartDefinition[]> {
  const { given, dataDir, ports, secrets, isCluster } = stack;
  const parts: PartDefinition[] = [];
  const logFile = (name: string) => join(dataDir, 'logs', `${name}.log`);
  const database = { port: ports.CLOSEOUT_POSTGRES_PORT, password: secrets.databasePassword };
  if (!given['DATABASE_URL']) {
    const options = { ...database, dataDir, logFile: logFile('postgres'), connections: isCluster ? 300 : 100 };
    parts.push({ name: 'PostgreSQL', start: () => startPostgres(options) });
  }
  if (isCluster) {
    const options = {
      ...(await buildTemporalServer(say)),
      dataDir,
      port: ports.CLOSEOUT_TEMPORAL_PORT,
      firstPort: clusterPorts(ports).server,
      database: { ...database, user: databaseUser },
      logFile: logFile('temporal'),
    };
    parts.push({ name: 'Temporal', start: () => startTemporalCluster(options) });
  } else if (!given['TEMPORAL_ADDRESS']) {
    const port = ports.CLOSEOUT_TEMPORAL_PORT;
    const cli = await findTemporalCli(given, say);
    const options = { cli, dataDir, port, uiPort: ports.CLOSEOUT_TEMPORAL_UI_PORT, logFile: logFile('temporal') };
    parts.push({ name: 'Temporal', start: () => startTemporal(options) });
  }
  return [...parts, ...ownParts(stack, logFile)];
}

/** Workers and gateways. */
function ownParts({ env, dataDir, ports, isCluster }: Stack, logFile: (name: string) => string): PartDefinition[] {
  const cli = fileURLToPath(new URL('../cli.js', import.meta.url));
  let migrating: Promise<unknown> | undefined;
  const migrated = () => (migrating ??= migrate(loadConfig({ ...env, CLOSEOUT_DATA: dataDir }).databaseUrl));
  const part = (name: string, kind: 'worker' | 'gateway', own: Record<string, string> = {}): PartDefinition => {
    // Trusted only for these processes: a gateway started by hand beside them always requires the token.
    const spawn = { env: { ...process.env, CLOSEOUT_TRUST_LOOPBACK: 'yes', ...env, ...own } };
    const command = { name, command: process.execPath, args: [cli, kind], logFile: logFile(name) };
    return { name, start: async () => migrated().then(() => startPart({ ...command, ready: 'message', spawn })) };
  };
  if (!isCluster) return [part('worker', 'worker'), part('gateway', 'gateway')];
  const { gateways, metrics } = clusterPorts(ports);
  return [
    part('worker', 'worker'),
    part('worker-2', 'worker', { CLOSEOUT_WORKER_METRICS: `127.0.0.1:${metrics}` }),
    ...gateways.map((port, index) =>
      part(index === 0 ? 'gateway' : 'gateway-2', 'gateway', { CLOSEOUT_PORT: `${port}` }),
    ),
  ];
}
