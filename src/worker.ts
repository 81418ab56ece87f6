/** The process that runs workflows and activities. Start as many as you like. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from './activities/index.js';
import { interceptActivities } from './activities/interceptor.js';
import { CloseoutError } from './contract/errors.js';
import { taskQueue } from './contract/messages.js';
import { migrate, openDatabase } from './outside/database/database.js';
import { openMailer } from './outside/mail/mailer.js';
import { openStores } from './outside/stores.js';
import { connectTemporal } from './outside/temporal/connect.js';
import { registerSearchAttributes } from './outside/temporal/search-attributes.js';
import { runUrlOf, type Config } from './setup/config.js';
import { loadPolicy } from './setup/policy-file.js';
import { openTracing, type Tracing } from './setup/tracing.js';

/** Runs until SIGINT or SIGTERM, then lets running activities end. Calls `onReady` once it polls. */
export async function runWorker(config: Config, log: Logger, onReady: () => void = () => undefined): Promise<void> {
  installRuntime(config, log);
  const policyFor = loadPolicy(config.policyFile);
  const connection = await connect(config);
  const db = openDatabase(config.databaseUrl, (error) =>
    log.warn({ code: (error as { code?: string }).code }, 'database connection lost'),
  );
  const mailer = openMailer(config.mail.relay);
  const tracing = await openTracing(config, 'worker');
  const temporal = connectTemporal(config.temporal, tracing?.client);
  try {
    await migrate(db);
    await registerSearchAttributes(connection, config.temporal.namespace);
    await temporal.schedules.create(config.watchSeconds);
    const activities = createActivities({
      ...openStores(db, config.addressKey),
      runs: temporal.runs,
      lostRuns: temporal.lostRuns,
      mailer,
      policyFor,
      mail: { ...config.mail, publicUrl: config.http.publicUrl, linkKeys: config.linkKeys },
      alertTo: config.mail.alertTo,
      keepDays: config.keepDays,
      runUrl: runUrlOf(config),
    });
    const worker = await Worker.create({ ...workerOptions(config, log, tracing), connection, activities });
    const run = worker.run();
    onReady();
    await run;
  } finally {
    mailer.close();
    await db.destroy();
    await temporal.close();
    await connection.close();
    await tracing?.close();
  }
}

function installRuntime({ workerMetrics }: Config, log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => log.warn({ level, ...meta }, message));
  try {
    Runtime.install({
      logger,
      telemetryOptions: workerMetrics ? { metrics: { prometheus: prometheusAt(workerMetrics) } } : {},
    });
  } catch (error) {
    throw new CloseoutError(
      'BadSetting',
      `Metrics cannot be served on ${workerMetrics}; set CLOSEOUT_WORKER_METRICS to a free port of this machine.`,
      'CLOSEOUT_WORKER_METRICS',
      { cause: error },
    );
  }
}

/** Names and units by Prometheus' own conventions. */
const prometheusAt = (bindAddress: string) =>
  ({ bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true }) as const;

async function connect({ temporal: { connection } }: Config): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(connection);
  } catch (error) {
    throw new CloseoutError(
      'TemporalUnavailable',
      `Temporal cannot be reached at ${connection.address}; check that TEMPORAL_ADDRESS is right and the server is up.`,
      'TEMPORAL_ADDRESS',
      { cause: error },
    );
  }
}

/** The workflow code as `npm run build` bundled it. */
const bundlePath = (name: string): string => fileURLToPath(new URL(`./worker/${name}.js`, import.meta.url));

function workerOptions({ temporal, isTraced }: Config, log: Logger, tracing: Tracing | undefined): WorkerOptions {
  return {
    namespace: temporal.namespace,
    taskQueue,
    workflowBundle: { codePath: bundlePath(isTraced ? 'workflow-bundle-traced' : 'workflow-bundle') },
    // The first interceptor is the outermost, so spans see translated failures and never quote a relay.
    interceptors: { activity: [...(tracing?.activity ?? []), interceptActivities(log)] },
    sinks: tracing?.sinks,
    // A killed worker's runs are taken over after 1 to 2 s instead of 10 s (measured).
    stickyQueueScheduleToStartTimeout: '1s',
    shutdownGraceTime: '10s',
    maxConcurrentActivityTaskExecutions: 40,
  };
}
