/** Worker Versioning: one deployment, whose versions are builds of Closeout. */
export const deploymentName = 'closeout';

/** In the order of Temporal's numbers, from 1. `draining`: it gets no new runs, but still has open ones. */
export const workerVersionStates = ['inactive', 'current', 'ramping', 'draining', 'drained'] as const;

export interface WorkerVersion {
  /** Version of the package, and hash of the workflow code: `0.1.0-1f6b2a90`. */
  buildId: string;
  state: (typeof workerVersionStates)[number];
  /** Of the runs, while it is ramping. */
  percentage?: number;
  /** ISO 8601: when it was first seen. */
  createdAt: string;
}
