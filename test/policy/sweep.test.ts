import { missedChange } from '../../src/policy/sweep.js';

test.each([
  ['open', 1, 'open', 1, undefined],
  ['cleared', 1, 'cleared', 1, undefined],
  ['closed', 3, 'closed', 3, undefined],
  ['cleared', 1, 'open', 1, 'cleared'],
  ['closed', 1, 'open', 1, 'cleared'], // closed by another program
  ['open', 1, 'cleared', 1, 'reopened'],
  ['open', 2, 'closed', 1, 'reopened'],
  ['open', 1, 'closed', 1, 'reopened'],
  ['cleared', 2, 'closed', 1, 'reopened'], // and cleared again: the run finds out when it starts the next cycle
  ['closed', 2, 'closed', 1, 'cleared'],
  ['cancelled', 1, 'open', 1, 'cancelled'],
  ['cancelled', 2, 'closed', 1, 'cancelled'],
  ['open', 1, 'open', 0, 'started'], // no run has looked it up yet
  ['cleared', 1, 'open', 0, 'started'], // its run will find out by itself
] as const)(
  'a report %s in cycle %i whose run knows %s in cycle %i has missed %s',
  (state, cycle, runState, runCycle, missed) => {
    expect(missedChange({ state, cycle, runState, runCycle })).toBe(missed);
  },
);
