/** The settings of a process, read from the environment once and validated. docs/configuration.md lists them. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { domainOf } from '../contract/contact.js';
import { CloseoutError } from '../contract/errors.js';
import { workflowIdOf } from '../contract/ids.js';
import type { PayloadKeys } from '../contract/payload-keys.js';
import type { Relay } from '../contract/relay.js';
import type { LinkKey } from '../customer/links.js';
import { givenIn } from './environment.js';
import { linkKeysFrom } from './link-keys.js';
import { isLoopback } from '../contract/loopback.js';
import { mailbox } from './mailbox.js';
import { reasonOf } from './reason.js';
import { oidcFrom, oidcSettings, type Oidc } from './oidc-settings.js';
import { payloadKeysFrom } from './payload-keys.js';
import { relayFrom, relaySettings } from './relay-settings.js';
import { refuse, url } from './setting.js';
import { trustedProxies } from './trusted-proxies.js';

export interface Config {
  temporal: {
    /** Options for `Connection.connect` and `NativeConnection.connect`: address, TLS, API key. */
    connection: ReturnType<typeof loadClientConnectConfig>['connectionOptions'];
    namespace: string;
    /** For what Temporal stores. */
    payloadKeys: PayloadKeys;
    /** The Temporal UI, if known. */
    uiUrl: string | undefined;
  };
  databaseUrl: string;
  mail: {
    from: string;
    replyTo: string;
    bounceTo: string;
    alertTo: string;
    outboxDir: string | undefined;
  };
  http: {
    host: string;
    port: number;
    publicUrl: string;
    trustedProxies: string[];
    /** Requests from this machine need no token. Set by `npm start` for its own processes. */
    trustLoopback: boolean;
  };
  /** For how many days after its end a report keeps its customer's personal data. */
  keepDays: number;
  /** Address at which the worker serves its metrics, `IP:PORT`. The gateway adds them to its own. */
  workerMetrics: string | undefined;
  /** Time between two sweeps. */
  watchSeconds: number;
  /** How operators log in; undefined: with a token. */
  oidc: Oidc | undefined;
  /** Keys the hashes in the do-not-contact lists. */
  addressKey: Buffer;
  policyFile: string | undefined;
  /** The programs around Closeout: loadSystems in systems-file.ts. */
  systemsFile: string | undefined;
  /** A folder with the brands; undefined: only the built-in one. */
  brandsDir: string | undefined;
  /** Workers have a version, and get runs when `closeout rollout` says so. */
  isVersioned: boolean;
  /** Runs take the changed paths of this release, after which it cannot be rolled back. */
  takesNewPaths: boolean;
  /** Workflows keep stack traces, for the Call Stack tab of the Temporal UI and for failures of their code. */
  keepsStackTraces: boolean;
  /** The standard OpenTelemetry settings configure a collector. */
  isTraced: boolean;
}

/**
 * Only workers and gateways sign links, only gateways check the API token, and only workers send mail: no other process needs these
 * secrets.
 */
interface ProcessConfig extends Config {
  linkKeys: LinkKey[];
}

export interface GatewayConfig extends ProcessConfig {
  apiToken: string;
}

export interface WorkerConfig extends ProcessConfig {
  relay: Relay;
}

/** Settings that `npm start` writes for its processes and for commands run beside it. Readable by its owner only. */
export const stackFile = (dataDir: string): string => join(dataDir, 'stack.json');

export const dataDirOf = (env: NodeJS.ProcessEnv): string => resolve(env['CLOSEOUT_DATA'] || '.closeout');

const port = (fallback: number) => z.coerce.number().int().min(1).max(65_535).default(fallback);
/** Ports of the embedded parts. In production only `CLOSEOUT_PORT` is used. */
export const localPorts = z.object({
  CLOSEOUT_PORT: port(8080),
  CLOSEOUT_TEMPORAL_PORT: port(7233),
  CLOSEOUT_TEMPORAL_UI_PORT: port(8233),
  CLOSEOUT_POSTGRES_PORT: port(54_329),
  CLOSEOUT_SMTP_PORT: port(2525),
  CLOSEOUT_METRICS_PORT: port(9464),
  CLOSEOUT_CLUSTER_PORT: port(17_300),
});

/** The paths of customers' pages begin at the root. */
function isOrigin(text: string): boolean {
  const { pathname, search, hash } = URL.canParse(text) ? new URL(text) : new URL('http://not.a.url');
  return pathname === '/' && search === '' && hash === '';
}

export const settings = z.object({
  DATABASE_URL: url('postgres:', 'postgresql:'),
  ...relaySettings,
  CLOSEOUT_MAIL_FROM: mailbox.default('Customer care <care@closeout.example>'),
  CLOSEOUT_MAIL_REPLY_TO: z.email().optional(),
  CLOSEOUT_MAIL_BOUNCE_TO: z.email().optional(),
  CLOSEOUT_WORKER_METRICS: z
    .string()
    .regex(/^([\d.]+|\[[\da-f:.]+\]):\d{2,5}$/i, 'must be an IP address and a port, such as 127.0.0.1:9464')
    .optional(),
  CLOSEOUT_WATCH_SECONDS: z.coerce.number().int().min(10).max(2_000_000).default(60),
  CLOSEOUT_KEEP_DAYS: z.coerce.number().int().min(0).max(36_500).default(365),
  CLOSEOUT_TRUSTED_PROXIES: trustedProxies,
  CLOSEOUT_ALERT_TO: z.email().default('operator@closeout.example'),
  CLOSEOUT_HOST: z.string().default('127.0.0.1'),
  CLOSEOUT_PORT: port(8080),
  CLOSEOUT_PUBLIC_URL: url('http:', 'https:').refine(isOrigin, 'must have no path').optional(),
  CLOSEOUT_TRUST_LOOPBACK: z.enum(['yes', 'no']).default('no'),
  CLOSEOUT_API_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  ...oidcSettings,
  CLOSEOUT_LINK_KEYS: z.string().optional(),
  CLOSEOUT_ADDRESS_KEY: z.base64().min(22, 'must be at least 16 bytes in base64'),
  CLOSEOUT_POLICY: z.string().optional(),
  CLOSEOUT_BRANDS: z.string().optional(),
  CLOSEOUT_SYSTEMS: z.string().optional(),
  CLOSEOUT_OUTBOX: z.string().optional(),
  CLOSEOUT_PAYLOAD_KEYS: z.string().optional(),
  CLOSEOUT_WORKER_VERSIONING: z.enum(['yes', 'no']).default('no'),
  CLOSEOUT_NEW_PATHS: z.enum(['yes', 'no']).default('yes'),
  CLOSEOUT_STACK_TRACES: z.enum(['yes', 'no']).default('no'),
  CLOSEOUT_TEMPORAL_UI: url('http:', 'https:').optional(),
});

/** Read elsewhere: by commands, or by deploy/compose.yaml. */
const otherNames = { CLOSEOUT_DATA: true, CLOSEOUT_TEMPORAL_CLI: true, CLOSEOUT_DOMAIN: true, CLOSEOUT_RELEASE: true };

/** Names that look like settings but are not, such as misspelt ones. */
export function unknownSettings(environment: NodeJS.ProcessEnv = process.env): string[] {
  const known = { ...settings.shape, ...localPorts.shape, ...otherNames };
  return Object.keys(environment).filter((name) => name.startsWith('CLOSEOUT_') && !(name in known));
}

/** Settings that are not in the environment come from a running `npm start`. */
const environmentOf = (environment: NodeJS.ProcessEnv) => ({
  ...runningStack(dataDirOf(environment)),
  ...givenIn(environment),
});

/** For a command that needs nothing else. Throws `BadSetting`. */
export const loadDatabaseUrl = (environment: NodeJS.ProcessEnv = process.env): string =>
  parse(settings.pick({ DATABASE_URL: true }), environmentOf(environment)).DATABASE_URL;

/** Throws `BadSetting` that names the setting. */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const env = environmentOf(environment);
  const set = parse(settings, env);
  assertReachable(set);
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: env });
  return {
    temporal: {
      connection: connectionOptions,
      namespace: namespace ?? 'default',
      payloadKeys: payloadKeysFrom(set.CLOSEOUT_PAYLOAD_KEYS),
      uiUrl: set.CLOSEOUT_TEMPORAL_UI?.replace(/\/$/, ''),
    },
    databaseUrl: set.DATABASE_URL,
    mail: {
      from: set.CLOSEOUT_MAIL_FROM,
      replyTo: set.CLOSEOUT_MAIL_REPLY_TO ?? set.CLOSEOUT_MAIL_FROM,
      bounceTo: set.CLOSEOUT_MAIL_BOUNCE_TO ?? `bounce@${domainOf(set.CLOSEOUT_MAIL_FROM)}`,
      alertTo: set.CLOSEOUT_ALERT_TO,
      outboxDir: set.CLOSEOUT_OUTBOX,
    },
    http: {
      host: set.CLOSEOUT_HOST,
      port: set.CLOSEOUT_PORT,
      trustedProxies: set.CLOSEOUT_TRUSTED_PROXIES,
      trustLoopback: set.CLOSEOUT_TRUST_LOOPBACK === 'yes',
      publicUrl: (set.CLOSEOUT_PUBLIC_URL ?? `http://127.0.0.1:${set.CLOSEOUT_PORT}`).replace(/\/$/, ''),
    },
    oidc: oidcFrom(set),
    addressKey: Buffer.from(set.CLOSEOUT_ADDRESS_KEY, 'base64'),
    policyFile: set.CLOSEOUT_POLICY,
    brandsDir: set.CLOSEOUT_BRANDS,
    systemsFile: set.CLOSEOUT_SYSTEMS,
    isVersioned: set.CLOSEOUT_WORKER_VERSIONING === 'yes',
    takesNewPaths: set.CLOSEOUT_NEW_PATHS === 'yes',
    keepsStackTraces: set.CLOSEOUT_STACK_TRACES === 'yes',
    isTraced: isTraced(env),
    keepDays: set.CLOSEOUT_KEEP_DAYS,
    workerMetrics: set.CLOSEOUT_WORKER_METRICS,
    watchSeconds: set.CLOSEOUT_WATCH_SECONDS,
  };
}

/** Their defaults are right for one machine only: elsewhere, mails would lead nowhere, and alerts would reach nobody. */
const withoutDefault = ['CLOSEOUT_PUBLIC_URL', 'CLOSEOUT_MAIL_FROM', 'CLOSEOUT_ALERT_TO'];
const ofProcesses = ['DATABASE_URL', ...withoutDefault, 'CLOSEOUT_LINK_KEYS', 'CLOSEOUT_ADDRESS_KEY'];

/** As `loadConfig`, for a gateway: what has no harmless default must be set. `npm start` sets it for its own. */
export function loadGatewayConfig(environment: NodeJS.ProcessEnv = process.env): GatewayConfig {
  const { config, env } = processConfig(environment, ['CLOSEOUT_API_TOKEN']);
  return { ...config, apiToken: env.CLOSEOUT_API_TOKEN };
}

/** The same, for a worker. */
export function loadWorkerConfig(environment: NodeJS.ProcessEnv = process.env): WorkerConfig {
  const { config, env } = processConfig(environment, ['SMTP_URL']);
  return { ...config, relay: relayFrom(parse(settings, env)) };
}

function processConfig<Name extends string>(environment: NodeJS.ProcessEnv, needed: Name[]) {
  const env = environmentOf(environment);
  const namesTemporal = Object.keys(env).some((name) =>
    /^TEMPORAL_(ADDRESS|PROFILE|CONFIG_FILE|CLIENT_CONFIG_FILE)$/.test(name),
  );
  const names = [...ofProcesses, ...needed, ...(namesTemporal ? [] : ['TEMPORAL_ADDRESS'])];
  const missing = names.filter((name) => env[name] === undefined);
  if (missing.length > 0)
    throw new CloseoutError(
      'BadSetting',
      `Not set: ${missing.join(', ')}. A worker or gateway needs them; docs/deploy.md explains each.`,
      String(missing[0]),
    );
  return {
    config: { ...loadConfig(environment), linkKeys: linkKeysFrom(env['CLOSEOUT_LINK_KEYS'] ?? '') },
    env: env as Record<Name, string>,
  };
}

/** Mails that leave this machine must not carry links to it, or come from an address that nobody reads. */
function assertReachable({ SMTP_URL, CLOSEOUT_PUBLIC_URL, CLOSEOUT_MAIL_FROM }: z.infer<typeof settings>): void {
  if (SMTP_URL === undefined || isLoopback(SMTP_URL)) return;
  const because = 'because SMTP_URL is not on this machine';
  if (CLOSEOUT_PUBLIC_URL === undefined || isLoopback(CLOSEOUT_PUBLIC_URL))
    refuse('CLOSEOUT_PUBLIC_URL', `must be the address at which customers reach the gateway, ${because}`);
  if (domainOf(CLOSEOUT_MAIL_FROM) === 'closeout.example')
    refuse('CLOSEOUT_MAIL_FROM', `must be an address of yours that customers may reply to, ${because}`);
}

function isTraced(env: Record<string, string | undefined>): boolean {
  const collector = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return collector !== undefined && env['OTEL_SDK_DISABLED'] !== 'true' && env['OTEL_TRACES_EXPORTER'] !== 'none';
}

export type LocalPorts = z.infer<typeof localPorts>;
export const loadLocalPorts = (env: NodeJS.ProcessEnv): LocalPorts => parse(localPorts, givenIn(env));

function parse<T>(schema: z.ZodType<T>, env: Record<string, unknown>): T {
  const result = schema.safeParse(env);
  if (result.success) return result.data;
  const missing = result.error.issues
    .filter(({ path }) => env[String(path[0])] === undefined)
    .map(({ path }) => path[0]);
  if (missing.length > 0) {
    throw new CloseoutError(
      'BadSetting',
      `Not set: ${missing.join(', ')}. Set them, or run "npm start" first, which sets everything for its embedded parts; from another folder, name its data folder with CLOSEOUT_DATA.`,
      String(missing[0]),
    );
  }
  const [issue] = result.error.issues;
  throw new CloseoutError('BadSetting', `${String(issue?.path[0])} ${reasonOf(issue)}.`, String(issue?.path[0]));
}

function runningStack(dataDir: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(stackFile(dataDir), 'utf8')) as Record<string, string>;
  } catch {
    return {}; // no `npm start` runs in this folder
  }
}

/** The page of a report's run in the Temporal UI; undefined if the UI is not known. */
export const runUrlOf =
  ({ temporal: { uiUrl, namespace } }: Pick<Config, 'temporal'>) =>
  (reportId: string): string | undefined =>
    uiUrl && `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowIdOf(reportId))}`;
