/** What a run hands over when it continues as new. */

/** Versions of its form, by workflow. */
export const carriedVersions = { closeProblemReport: 1, clearServiceProblem: 1 };

/** Throws if a newer release has handed it over: then a workflow task fails, and is retried until a worker of that release gets it. */
export function readCarried<T extends { v: number }>(
  workflow: keyof typeof carriedVersions,
  carried: T | undefined,
): T | undefined {
  if (carried !== undefined && carried.v > carriedVersions[workflow])
    throw new Error(`The last run has handed over version ${carried.v}, which only a newer release reads.`);
  return carried;
}
