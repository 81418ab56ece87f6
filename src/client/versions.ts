/** The client's operations on the versions of the workers. */
import type { WorkerVersion } from '../contract/worker-versions.js';
import type { WorkerVersions } from '../outside/temporal/worker-versions.js';
import type { Workers } from '../outside/workers.js';

export class VersionService {
  constructor(
    private readonly workers: Workers,
    private readonly versions: WorkerVersions,
  ) {}

  /** Newest first; empty if no versioned worker has ever run. Throws `TemporalUnavailable`. */
  list(): Promise<WorkerVersion[]> {
    return this.versions.list();
  }

  /**
   * Gives a version this percentage of the runs. Throws `BadInput`, `StatusConflict`, `TemporalUnavailable`, `DatabaseUnavailable`,
   * `DatabaseOutdated`.
   */
  async rollOut(buildId: string, percentage: number): Promise<void> {
    await this.versions.rollOut(buildId, percentage, await this.workers.silentVersions());
  }
}
