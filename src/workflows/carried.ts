/** What a run hands over when it continues as new. */

/** The version of its form. A release reads those of every release before. */
export const carriedVersion = 1;

/** Throws if a newer release has handed it over. Then the workflow task fails, and is retried until a worker of that release gets it. */
export function readCarried<T extends { v: number }>(carried: T | undefined): T | undefined {
  if (carried !== undefined && carried.v > carriedVersion)
    throw new Error(`The last run has handed over version ${carried.v}, which only a newer release reads.`);
  return carried;
}
