import { missedChange } from '../../src/policy/sweep.js';

test.each([
  ['open', 1, 'open', 1, undefined],
  ['cleared', 1, 'cleared', 1, undefined],
  ['closed', 3, 'closed', 3, undefined],
  ['cleared', 1, 'open', 1, 'cleared'],
  ['closed', 1, 'open', 1, 'cleared'], // closed elsewhere
  ['open', 1, 'cleared', 1, 'reopened'],
  ['open', 2, 'closed', 1, 'reopened'],
  ['open', 1, 'closed', 1, 'reopened'],
  ['cleared', 2, 'closed', 1, 'reopened'], // and cleared again: the run sees that when it starts the next cycle
  ['closed', 2, 'closed', 1, 'cleared'],
  ['cancelled', 1, 'open', 1, 'cancelled'],
  ['cancelled', 2, 'closed', 1, 'cancelled'],
  ['open', 1, 'open', 0, 'started'], // no run has looked it up yet
  ['cleared', 1, 'open', 0, 'started'], // it will see for itself
] as const)(
  'a report %s in cycle %i whose run knows %s in cycle %i is told %s',
  (status, cycle, runStatus, runCycle, tell) => {
    expect(missedChange({ status, cycle, runStatus, runCycle })).toBe(tell);
  },
);
