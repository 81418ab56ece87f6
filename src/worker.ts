/** The process that runs workflows and activities. Start as many as you like. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from './activities/index.js';
import { interceptActivities } from './activities/interceptor.js';
import { runUrlOf, type Config } from './setup/config.js';
import { CloseoutError } from './contract/errors.js';
import { taskQueue } from './contract/messages.js';
import { migrate, openDatabase } from './outside/database/database.js';
import { openMailer } from './outside/mail/mailer.js';
import { reportStore } from './outside/reports/store.js';
import { confirmationTable } from './outside/surveys/confirmations.js';
import { customerTable } from './outside/erasure.js';
import { answerTable } from './outside/surveys/answers.js';
import { connectRuns } from './outside/temporal/runs.js';
import { sweepTable } from './outside/sweeps.js';
import { surveyTable } from './outside/surveys/surveys.js';
import { loadPolicy } from './setup/policy-file.js';
import { registerSearchAttributes } from './outside/temporal/search-attributes.js';
import { openTracing } from './setup/tracing.js';

/** Names and units by Prometheus' own conventions. */
const prometheusAt = (bindAddress: string) =>
  ({ bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true }) as const;

/** What `npm run build` made of the workflow code. */
const bundle = (name: string) => fileURLToPath(new URL(`./worker/${name}`, import.meta.url));

/** Runs until SIGINT or SIGTERM, then lets running activities end. `onReady` is called once it polls. */
export async function runWorker(config: Config, log: Logger, onReady: () => void = () => undefined): Promise<void> {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => log.warn({ level, ...meta }, message)),
    telemetryOptions: config.workerMetrics ? { metrics: { prometheus: prometheusAt(config.workerMetrics) } } : {},
  });
  const policyFor = loadPolicy(config.policyFile);
  const connection = await NativeConnection.connect(config.temporal.connection).catch((error: unknown) => {
    throw new CloseoutError(
      'TemporalUnavailable',
      `Temporal cannot be reached at ${config.temporal.connection.address}; see whether TEMPORAL_ADDRESS is right and the server is up.`,
      'TEMPORAL_ADDRESS',
      { cause: error },
    );
  });
  const db = openDatabase(config.databaseUrl, (error) =>
    log.warn({ code: (error as { code?: string }).code }, 'database connection lost'),
  );
  const mailer = openMailer(config.mail.relay);
  const tracing = await openTracing(config, 'worker');
  const runs = connectRuns(config.temporal, tracing?.client);
  try {
    await migrate(db);
    await registerSearchAttributes(connection, config.temporal.namespace);
    await runs.schedule(config.watchSeconds);
    const activities = createActivities({
      reports: reportStore(db),
      surveys: surveyTable(db),
      answers: answerTable(db),
      confirmations: confirmationTable(db),
      customers: customerTable(db),
      sweeps: sweepTable(db),
      runs,
      mailer,
      policyFor,
      mail: {
        publicUrl: config.http.publicUrl,
        from: config.mail.from,
        replyTo: config.mail.replyTo,
        bounceTo: config.mail.bounceTo,
        linkKeys: config.linkKeys,
      },
      alertTo: config.mail.alertTo,
      keepDays: config.keepDays,
      addressKey: config.addressKey,
      runUrl: runUrlOf(config),
    });
    const worker = await Worker.create({
      connection,
      namespace: config.temporal.namespace,
      taskQueue,
      workflowBundle: { codePath: bundle(config.isTraced ? 'workflow-bundle-traced.js' : 'workflow-bundle.js') },
      activities,
      // The first is the outermost: spans see failures as everybody does, never what a relay said to whom.
      interceptors: { activity: [...(tracing?.activity ?? []), interceptActivities(log)] },
      ...(tracing ? { sinks: tracing.sinks } : {}),
      // A killed worker's runs are taken over after 1 to 2 s instead of 10 s (measured).
      stickyQueueScheduleToStartTimeout: '1s',
      shutdownGraceTime: '10s',
      maxConcurrentActivityTaskExecutions: 40,
    });
    const run = worker.run();
    onReady();
    await run;
  } finally {
    mailer.close();
    await db.destroy();
    await runs.close();
    await connection.close();
    await tracing?.close();
  }
}
