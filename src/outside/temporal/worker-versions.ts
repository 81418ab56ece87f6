/** Versions of the workers, and which of them gets the runs: Worker Versioning of Temporal, with one deployment. */
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { CloseoutError } from '../../contract/errors.js';
import { deploymentName, workerVersionStates, type WorkerVersion } from '../../contract/worker-versions.js';
import { callTemporal } from './calls.js';

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface WorkerVersions {
  /** Newest first; empty if no versioned worker has ever run. */
  list(): Promise<WorkerVersion[]>;
  /** Gives a version this percentage of the runs; with 100, it is the current one, and others get none. Throws `BadInput`. */
  rollOut(buildId: string, percentage: number): Promise<void>;
  /** Makes a version the current one if there is none: of the first installation. Throws `TemporalUnavailable` while it is unknown. */
  rollOutFirst(buildId: string): Promise<void>;
}

const notFound = 5;

export function workerVersions(temporal: Client): WorkerVersions {
  const { workflowService: service } = temporal;
  const about = { namespace: temporal.options.namespace, deploymentName };

  const describe = async () => {
    try {
      return (await service.describeWorkerDeployment(about)).workerDeploymentInfo;
    } catch (error) {
      if (isGrpcServiceError(error) && (error.code as number) === notFound) return undefined;
      throw error;
    }
  };

  const list = async (): Promise<WorkerVersion[]> => {
    const info = await callTemporal(temporal, describe);
    const { rampingVersionPercentage } = info?.routingConfig ?? {};
    const versions = (info?.versionSummaries ?? []).map(({ deploymentVersion, status, createTime }) => {
      const state = workerVersionStates[(status ?? 0) - 1] ?? 'inactive';
      return {
        buildId: deploymentVersion?.buildId ?? '',
        state,
        percentage: state === 'ramping' ? (rampingVersionPercentage ?? 0) : undefined,
        since: new Date(Number(createTime?.seconds ?? 0) * 1000).toISOString(),
      };
    });
    return versions.sort((one, other) => other.since.localeCompare(one.since));
  };

  const makeCurrent = (buildId: string) =>
    callTemporal(temporal, () => service.setWorkerDeploymentCurrentVersion({ ...about, buildId }));
  const ramp = (buildId: string, percentage: number) =>
    callTemporal(temporal, () => service.setWorkerDeploymentRampingVersion({ ...about, buildId, percentage }));

  return {
    list,

    async rollOut(buildId, percentage) {
      const versions = await list();
      if (!versions.some((version) => version.buildId === buildId)) {
        const known = versions.map((version) => version.buildId).join(', ') || 'none';
        throw new CloseoutError('BadInput', `No worker of version ${buildId} has run; there are ${known}.`, 'buildId');
      }
      if (percentage < 100) return void (await ramp(buildId, percentage));
      await makeCurrent(buildId);
      if (versions.some((version) => version.state === 'ramping' && version.buildId !== buildId)) await ramp('', 0);
    },

    async rollOutFirst(buildId) {
      if ((await list()).some(({ state }) => state === 'current')) return;
      // The server refuses a version whose workers it has not all seen yet, which is no fault of the caller.
      await makeCurrent(buildId).catch((cause: unknown) => {
        const message = `Temporal does not know all workers of version ${buildId} yet.`;
        throw new CloseoutError('TemporalUnavailable', message, undefined, { cause });
      });
    },
  };
}
