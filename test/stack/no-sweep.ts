/**
 * The environment of a stack without sweeps of its own, for tests that sweep themselves, or that make reports look as a sweep would change
 * them. A schedule fires at multiples of its interval since 1970: with a day, it would at midnight.
 */
export const noSweep = { CLOSEOUT_WATCH_SECONDS: '2000000' };
