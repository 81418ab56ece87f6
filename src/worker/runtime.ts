/** What all workers of this process share: the SDK's logging and metrics, and the connection to Temporal. */
import { DefaultLogger, NativeConnection, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import type { Logger } from 'pino';
import { CloseoutError } from '../contract/errors.js';
import type { Config } from '../setup/config.js';

/** Its threads keep the process alive. Throws `BadSetting`. */
export function installRuntime({ workerMetrics }: Config, log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level: severity, message, meta }) => {
    // The queues of mails and bulk work have none, by design.
    if (!message.startsWith('No workflows registered')) log.warn({ ...meta, severity }, message);
  });
  const logging = { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) };
  const metrics = workerMetrics ? { prometheus: prometheusAt(workerMetrics) } : undefined;
  try {
    Runtime.install({ logger, telemetryOptions: { logging, metrics } });
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

/** Throws `TemporalUnavailable`. */
export async function connect({ temporal: { connection } }: Config): Promise<NativeConnection> {
  try {
    // Compressing takes 0.4 MB for each request, most of which glibc cannot give back: a third of a worker's memory (measured).
    return await NativeConnection.connect({ ...connection, grpcCompression: { codec: 'none' } });
  } catch (error) {
    throw new CloseoutError(
      'TemporalUnavailable',
      `Temporal cannot be reached at ${connection.address}; check that TEMPORAL_ADDRESS is right and the server is up. The reason: ${(error as Error).message}`,
      'TEMPORAL_ADDRESS',
      { cause: error },
    );
  }
}
