/** Of the fault tests. `npm test` always has the same; `npm run test:faults` has another in each run. */
export const faultSeed = Number(process.env['CLOSEOUT_FAULT_SEED'] ?? 11);

/** Random numbers that are the same in every run. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
