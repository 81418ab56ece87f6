/** Which workers there are, and which of their versions gets the runs: Worker Versioning of Temporal, with one deployment. */
import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { temporal as server } from '@temporalio/proto';
import { CloseoutError } from '../../contract/errors.js';
import { deploymentName, workerVersionStates, type WorkerVersion } from '../../contract/worker-versions.js';
import { taskQueue } from '../../contract/messages.js';
import { second } from '../../policy/time.js';
import { now } from '../database/clock.js';
import { callTemporal } from './calls.js';

/** Every method throws `TemporalUnavailable` if Temporal does not answer. */
export interface WorkerVersions {
  /** Newest first; empty if no versioned worker has ever run. */
  list(): Promise<WorkerVersion[]>;
  /**
   * Gives a version this percentage of the runs; with 100, it is the current one, and others get none. `silent`: as below. Throws
   * `BadInput`, `StatusConflict`.
   */
  rollOut(buildId: string, percentage: number, silent: ReadonlySet<string>): Promise<void>;
  /**
   * Makes a version the current one if there never was one: of the first installation. An operator may have gone back to workers without a
   * version since. Throws `TemporalUnavailable` while it is unknown.
   */
  rollOutFirst(buildId: string): Promise<void>;
  /**
   * Why runs wait for a worker, in words; undefined if they need not. `silent`: versions whose workers send no heartbeats any more, even
   * if Temporal has seen them just now. `deadline`: for the answer; ms.
   */
  whyNoWorker(silent?: ReadonlySet<string>, deadline?: number): Promise<string | undefined>;
}

/** The server lists a worker for minutes after its end; one that runs asks for tasks at least once a minute. */
const forgottenAfter = 65 * second;

const notFound = 5;
const versioned = 2;

/** Empty: a worker without a version. */
const versionOf = ({ deploymentOptions }: server.api.taskqueue.v1.IPollerInfo): string =>
  Number(deploymentOptions?.workerVersioningMode) === versioned ? (deploymentOptions?.buildId ?? '') : '';

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
        createdAt: new Date(Number(createTime?.seconds ?? 0) * 1000).toISOString(),
      };
    });
    return versions.sort((one, other) => other.createdAt.localeCompare(one.createdAt));
  };

  /** The versions of the workers that run. */
  const running = async (silent?: ReadonlySet<string>, deadline?: number) => {
    const request = { namespace: about.namespace, taskQueue: { name: taskQueue } };
    const ask = () => service.describeTaskQueue(request);
    const { pollers, versioningInfo } = await callTemporal(temporal, ask, deadline);
    const since = now().getTime() - forgottenAfter;
    const seen = (pollers ?? []).filter((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * second > since);
    const versions = seen.map(versionOf).filter((version) => !silent?.has(version));
    return { versions: new Set(versions), versioningInfo };
  };

  const makeCurrent = (buildId: string) =>
    callTemporal(temporal, () => service.setWorkerDeploymentCurrentVersion({ ...about, buildId }));
  const ramp = (buildId: string, percentage: number) =>
    callTemporal(temporal, () => service.setWorkerDeploymentRampingVersion({ ...about, buildId, percentage }));

  return {
    list,

    async rollOut(buildId, percentage, silent) {
      const versions = await list();
      if (!versions.some((version) => version.buildId === buildId)) {
        const known = versions.map((version) => version.buildId).join(', ') || 'none';
        throw new CloseoutError(
          'BadInput',
          `No worker of version ${buildId} has ever run; the known versions are ${known}.`,
          'buildId',
        );
      }
      if (percentage > 0 && !(await running(silent)).versions.has(buildId)) {
        const message = `No worker of version ${buildId} is running, so its runs would not continue; start one first.`;
        throw new CloseoutError('StatusConflict', message, 'buildId');
      }
      if (percentage < 100) return void (await ramp(buildId, percentage));
      await makeCurrent(buildId);
      if (versions.some((version) => version.state === 'ramping' && version.buildId !== buildId)) await ramp('', 0);
    },

    async rollOutFirst(buildId) {
      if ((await callTemporal(temporal, describe))?.routingConfig?.currentVersionChangedTime) return;
      // The server refuses a version whose workers it has not all seen yet, which is no fault of the caller.
      await makeCurrent(buildId).catch((cause: unknown) => {
        const message = `Temporal does not know all workers of version ${buildId} yet.`;
        throw new CloseoutError('TemporalUnavailable', message, undefined, { cause });
      });
    },

    async whyNoWorker(silent, deadline) {
      const { versions, versioningInfo } = await running(silent, deadline);
      if (versions.size === 0) return 'no worker is running';
      const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } = versioningInfo ?? {};
      const wanted = [currentDeploymentVersion, ...(rampingVersionPercentage ? [rampingDeploymentVersion] : [])];
      const [missing] = wanted.map((version) => version?.buildId ?? '').filter((version) => !versions.has(version));
      if (missing === undefined) return undefined;
      return missing === '' ? 'no unversioned worker is running' : `no worker of version ${missing} is running`;
    },
  };
}
