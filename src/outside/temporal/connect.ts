/** The connection to Temporal, and everything that is asked of it. */
import { Client, type ConnectionOptions, type WorkflowClientInterceptor } from '@temporalio/client';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { openConnection } from './connection.js';
import type { PayloadKeys } from '../../contract/payload-keys.js';
import { EncryptingCodec } from './payload-codec.js';
import { lostRuns, type LostRuns } from './lost-runs.js';
import { reportRuns, type Runs } from './runs.js';
import { schedules, type Schedules } from './schedules.js';
import { serviceProblemRuns, type ServiceProblems } from './service-problems.js';
import { workerVersions, type WorkerVersions } from './worker-versions.js';

export interface TemporalSettings {
  connection: ConnectionOptions;
  namespace: string;
  payloadKeys: PayloadKeys;
}

/** How payloads are written and read, everywhere the same. */
export const dataConverterFor = (keys: PayloadKeys): DataConverter | undefined =>
  keys.known.length === 0 ? undefined : { payloadCodecs: [new EncryptingCodec(keys)] };

export interface Temporal {
  runs: Runs;
  lostRuns: LostRuns;
  serviceProblems: ServiceProblems;
  schedules: Schedules;
  workerVersions: WorkerVersions;
  codecs: PayloadCodec[];
  close(): Promise<void>;
}

/** Connects with the first call. */
export function connectTemporal(
  { connection: options, namespace, payloadKeys }: TemporalSettings,
  interceptors: WorkflowClientInterceptor[] = [],
): Temporal {
  const { connection, close } = openConnection(options);
  const dataConverter = dataConverterFor(payloadKeys);
  const client = new Client({ connection, namespace, dataConverter, interceptors: { workflow: interceptors } });
  return {
    runs: reportRuns(client),
    lostRuns: lostRuns(client),
    serviceProblems: serviceProblemRuns(client),
    schedules: schedules(client),
    workerVersions: workerVersions(client),
    codecs: dataConverter?.payloadCodecs ?? [],
    close,
  };
}
