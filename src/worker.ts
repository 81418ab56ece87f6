/** The process that runs workflows and activities. Start as many as you like. */
import { randomUUID } from 'node:crypto';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Deps } from './activities/deps.js';
import { createActivities } from './activities/index.js';
import { interceptActivities } from './activities/interceptor.js';
import { mailAtOnce } from './activities/mail-at-once.js';
import { noteMailWaits } from './activities/mail-customer.js';
import { loggedError } from './contract/error-details.js';
import { bulkQueue, mailQueue, systemQueueOf, taskQueue } from './contract/messages.js';
import { deploymentName } from './contract/worker-versions.js';
import { openDatabase, type Db } from './outside/database/database.js';
import { assertMigrated } from './outside/database/migrate.js';
import { openMailer } from './outside/mail/mailer.js';
import { openStores } from './outside/stores.js';
import { connectTemporal, dataConverterFor, type Temporal } from './outside/temporal/connect.js';
import { registerSearchAttributes } from './outside/temporal/search-attributes.js';
import { runUrlOf, type Config, type WorkerConfig } from './setup/config.js';
import { endOnSignal, untilDone } from './setup/startup.js';
import { version } from './setup/version.js';
import { loadBrands } from './setup/brands.js';
import { loadPolicy } from './setup/policy-file.js';
import { loadSystems } from './setup/systems-file.js';
import { Systems } from './systems/systems.js';
import { keepPrepared, runLoops, sendHeartbeats, storeListeners } from './worker/loops.js';
import { connect, installRuntime } from './worker/runtime.js';
import { buildId, workflowCode } from './worker/workflow-code.js';
import { openTracing, type Tracing } from './setup/tracing.js';

/** Runs until SIGINT or SIGTERM, then lets running activities end. Calls `onReady` once it polls. */
export async function runWorker(
  config: WorkerConfig,
  log: Logger,
  onReady: () => void = () => undefined,
): Promise<void> {
  const begin = endOnSignal(() => log.info('stopped before it was ready'));
  const build = config.isVersioned ? buildId() : undefined;
  const files = loadFiles(config);
  installRuntime(config, log); // after everything that may be refused
  const connection = await connect(config);
  const parts = await openParts(config, files, log);
  const { temporal, stores } = parts;
  const worker = { id: randomUUID(), version: build ?? '' };
  const stopping = new AbortController();
  let heartbeats = Promise.resolve();
  const prepareTemporal = async () => {
    await registerSearchAttributes(connection, config.temporal.namespace);
    await temporal.schedules.create(config.watchSeconds);
  };
  try {
    await untilDone(log, 'use the database', () => assertMigrated(config.databaseUrl));
    await untilDone(log, 'register search attributes and schedules', prepareTemporal);
    await untilDone(log, 'store the listeners of events', () => storeListeners({ ...parts, ...files }));
    const workers = await createWorkers({ config, files, parts, connection, build, log });
    begin();
    const { runs, stopAll } = runAll(workers);
    heartbeats = sendHeartbeats(stores.workers, worker, log, stopping.signal);
    const routed = untilDone(log, 'find out which version gets the runs', () => route(temporal, build, log));
    // A worker that is stopped meanwhile waits for nothing.
    await Promise.race([routed, runs]).catch(async (error: unknown) => {
      await stopAll();
      throw error;
    });
    const loaded = { brands: files.brands.ids, systems: [...files.file.systems.keys()] };
    log.info({ ...about(config), version: build ?? version, ...loaded }, 'ready');
    onReady();
    const prepareAgain = async () => {
      await prepareTemporal();
      if (build !== undefined) await temporal.workerVersions.rollOutFirst(build);
    };
    const loops = Promise.all([
      runLoops({ config, ...parts, runs: temporal.runs, ...files, log }, stopping.signal),
      keepPrepared(prepareAgain, config.watchSeconds, log, stopping.signal),
    ]);
    await runs.finally(() => stopping.abort());
    await loops;
    log.info('stopped');
  } finally {
    stopping.abort();
    await heartbeats;
    await parts.close();
    // If a worker could not be created, others still hold the connection; that must not hide the first error.
    await connection.close().catch((error: unknown) => log.warn(loggedError(error), 'cannot disconnect'));
  }
}

type Files = ReturnType<typeof loadFiles>;

/** Throws `BadSetting`. */
function loadFiles(config: WorkerConfig) {
  const brands = loadBrands(config);
  return { brands, policyFor: loadPolicy(config.policyFile, brands.ids), file: loadSystems(config.systemsFile) };
}

type Parts = Awaited<ReturnType<typeof openParts>>;

/** Connects to nothing yet. Each queue has a database pool of its own. */
async function openParts(config: WorkerConfig, { file }: Files, log: Logger) {
  const noteLost = (error: Error) => log.warn({ code: (error as { code?: string }).code }, 'database connection lost');
  const open = (max: number) => openDatabase(config.databaseUrl, noteLost, { max });
  const queues = queuesFor([...file.systems.keys()]);
  const mailDatabase = open(slotsOf[mailQueue]);
  const connectionsOf = (queue: string, slots: number) =>
    queue === mailQueue ? mailDatabase : open(Math.min(slots, maxConnections));
  const databases = new Map([...queues].map(([queue, slots]) => [queue, connectionsOf(queue, slots)]));
  const loopDatabase = open(10);
  const stores = openStores(loopDatabase, config.addressKey);
  const systems = new Systems(
    file.systems,
    (name, perSecond) => stores.systemStates.paceOf(name, perSecond),
    config.addressKey,
  );
  const mailer = openMailer(config.relay, slotsOf[mailQueue] + mailSlots.sending);
  const tracing = await openTracing(config, 'worker');
  const temporal = connectTemporal(config.temporal, tracing?.client);
  const close = async () => {
    mailer.close();
    await Promise.all([...databases.values(), loopDatabase].map((db) => db.destroy()));
    await temporal.close();
    await tracing?.close();
  };
  return { queues, databases, mailDatabase, stores, systems, mailer, tracing, temporal, close };
}

interface Creation {
  config: WorkerConfig;
  files: Files;
  parts: Parts;
  connection: NativeConnection;
  build: string | undefined;
  log: Logger;
}

/** One for each queue. */
function createWorkers({ config, files, parts, connection, build, log }: Creation): Promise<Worker[]> {
  const { temporal, mailer, systems, queues, tracing, mailDatabase } = parts;
  const outside = {
    runs: temporal.runs,
    lostRuns: temporal.lostRuns,
    mailer,
    policyFor: files.policyFor,
    brands: files.brands,
    systems,
    mail: { ...config.mail, publicUrl: config.http.publicUrl, linkKeys: config.linkKeys },
    alertTo: config.mail.alertTo,
    keepDays: config.keepDays,
    runUrl: runUrlOf(config),
  };
  const depsWith = (db: Db) => ({ ...openStores(db, config.addressKey), ...outside });
  const create = (queue: string, db: Db) => {
    const deps = depsWith(db);
    const mails = queue === taskQueue && mailWithinTasks(depsWith(mailDatabase), deps);
    return Worker.create({
      ...workerOptions(queue, queues.get(queue) ?? 1, config, log, tracing),
      ...versionOptions(build),
      connection,
      activities: { ...createActivities(deps), ...mails },
    });
  };
  return Promise.all([...parts.databases].map(([queue, db]) => create(queue, db)));
}

/** The first version gets all runs. A worker without a version gets none once one is current. */
async function route({ workerVersions }: Temporal, build: string | undefined, log: Logger): Promise<void> {
  if (build !== undefined) return workerVersions.rollOutFirst(build);
  const versions = await workerVersions.list().catch(() => []); // nothing but the warning depends on it
  const current = versions.find(({ state }) => state === 'current');
  if (current)
    log.warn(
      { current: current.buildId },
      'this worker gets no runs, because a version is current; set CLOSEOUT_WORKER_VERSIONING=yes',
    );
}

/** If one worker fails, all of them end, so that another process takes over all queues. */
function runAll(workers: Worker[]) {
  const running = workers.map((worker) => worker.run());
  const stopAll = async () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(running);
  };
  const runs = Promise.all(running).catch(async (error: unknown) => {
    await stopAll();
    throw error;
  });
  return { runs, stopAll };
}

/** What an operator asks first of a process that runs. */
const about = ({ temporal, policyFile }: Config) => ({
  temporal: temporal.connection.address,
  namespace: temporal.namespace,
  policy: policyFile ?? 'built in',
});

/** Activities of each kind at once. A relay or a session that hangs holds up only its own kind. */
const slotsOf = { [taskQueue]: 40, [mailQueue]: 10, [bulkQueue]: 5 };
/** Mails within workflow tasks, of which there are more than twice as many: the others are always free for closings. */
const mailSlots = { sending: 20, waiting: 30 };
/** Workflow tasks at once. One that sends a mail waits for the relay. */
const workflowTasks = 100;
/** Connections of each queue to the database, at most. */
const maxConnections = 20;

/** Mails may hold all connections of the mail queue, so that a mail has to wait is noted with a connection of the closings. */
const mailWithinTasks = (mails: Deps, closings: Deps) =>
  mailAtOnce(
    createActivities(mails),
    mailSlots,
    () => mails.mailer.isSlow(),
    (reportId) => noteMailWaits(closings, reportId),
  );

/** How many activities at once, by queue. Each external system has one. */
function queuesFor(systems: string[]): Map<string, number> {
  return new Map([...Object.entries(slotsOf), ...systems.map((name): [string, number] => [systemQueueOf(name), 5])]);
}

function workerOptions(
  queue: string,
  slots: number,
  config: Config,
  log: Logger,
  tracing: Tracing | undefined,
): WorkerOptions {
  const { temporal } = config;
  return {
    namespace: temporal.namespace,
    taskQueue: queue,
    ...(queue === taskQueue ? { workflowBundle: { code: workflowCode(config) } } : {}),
    patchActivationCallback: () => config.takesNewPaths,
    dataConverter: dataConverterFor(temporal.payloadKeys),
    // The first interceptor is the outermost, so spans see translated failures and never quote a relay.
    interceptors: { activity: [...(tracing?.activity ?? []), interceptActivities(log)] },
    sinks: tracing?.sinks,
    shutdownGraceTime: '10s',
    // Any other run is replayed when it goes on. More would save little, and each takes 0.1 MiB and more (docs/performance.md).
    maxCachedWorkflows: 1200,
    maxConcurrentActivityTaskExecutions: slots,
    maxConcurrentWorkflowTaskExecutions: workflowTasks,
  };
}

/** Runs wait for days, so they go on with the next release; what changes for them is guarded by `patched`. */
const versionOptions = (buildId: string | undefined): Pick<WorkerOptions, 'workerDeploymentOptions'> =>
  buildId === undefined
    ? {}
    : {
        workerDeploymentOptions: {
          useWorkerVersioning: true,
          version: { deploymentName, buildId },
          defaultVersioningBehavior: 'AUTO_UPGRADE',
        },
      };
