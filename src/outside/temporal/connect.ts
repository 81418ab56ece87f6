/** The connection to Temporal, and everything that is asked of it. */
import { Client, Connection, type ConnectionOptions, type WorkflowClientInterceptor } from '@temporalio/client';
import { lostRuns, type LostRuns } from './lost-runs.js';
import { reportRuns, type Runs } from './runs.js';
import { schedules, type Schedules } from './schedules.js';
import { serviceProblemRuns, type ServiceProblems } from './service-problems.js';

export interface TemporalSettings {
  connection: ConnectionOptions;
  namespace: string;
}

export interface Temporal {
  runs: Runs;
  lostRuns: LostRuns;
  serviceProblems: ServiceProblems;
  schedules: Schedules;
  close(): Promise<void>;
}

/** Connects with the first call. */
export function connectTemporal(
  { connection: options, namespace }: TemporalSettings,
  interceptors: WorkflowClientInterceptor[] = [],
): Temporal {
  const connection = Connection.lazy(options);
  const client = new Client({ connection, namespace, interceptors: { workflow: interceptors } });
  return {
    runs: reportRuns(client),
    lostRuns: lostRuns(client),
    serviceProblems: serviceProblemRuns(client),
    schedules: schedules(client),
    close: () => connection.close(),
  };
}
