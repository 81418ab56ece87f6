import { durationWords, statsBy, statsOf, wilson, type SurveyCount } from '../../src/operator/satisfaction.js';

const row = (given: Partial<SurveyCount>): SurveyCount => ({
  month: '2026-11',
  ticketType: 'fault',
  serviceProblem: null,
  state: 'answered',
  reason: null,
  wasSent: true,
  score: null,
  count: 1,
  ...given,
});

test.each([
  [8, 10, 49.0, 94.3],
  [5, 5, 56.6, 100],
  [0, 4, 0, 49.0],
  [80, 100, 71.1, 86.7],
])('%i good of %i lie between %d and %d %%', (good, all, low, high) => {
  expect(wilson(good, all)).toEqual({ low, high });
});

test('8 of 10 satisfied is 80 % (49.0-94.3)', () => {
  const stats = statsOf([
    row({ score: 5, count: 6 }),
    row({ score: 4, count: 2 }),
    row({ score: 3 }),
    row({ score: 1 }),
  ]);
  expect(stats.csat).toEqual({ value: 80, low: 49, high: 94.3 });
  expect(stats).toMatchObject({ mean: 4.2, distribution: [1, 0, 1, 2, 6], answered: 10, responseRate: 100 });
});

test('without an answer there is no satisfaction, not 0 % and not 100 %', () => {
  expect(statsOf([])).toMatchObject({ csat: null, mean: null, responseRate: null, distribution: [0, 0, 0, 0, 0] });
  expect(statsOf([row({ score: null })])).toMatchObject({ answered: 1, csat: null });
});

test('what came back was not delivered; what was superseded does not count as answered', () => {
  const stats = statsOf([
    row({ state: 'sent', count: 4 }),
    row({ state: 'undeliverable', reason: '5.1.1' }),
    row({ state: 'undeliverable', reason: 'RecipientRefused', wasSent: false }),
    row({ state: 'superseded', score: 1 }),
    row({ state: 'expired', count: 2 }),
    row({ state: 'skipped', reason: 'contactCap', wasSent: false, count: 3 }),
    row({ score: 5 }),
  ]);
  expect(stats).toMatchObject({ sent: 9, delivered: 8, answered: 1, expired: 2, undeliverable: 2 });
  expect(stats).toMatchObject({ skipped: { contactCap: 3 }, responseRate: 12.5 });
});

test('by month, ticket type and service problem, in order, the rows add up', () => {
  const counts = [row({ month: '2026-11', score: 5 }), row({ month: '2026-10', score: 1, serviceProblem: 'SP-1' })];
  expect(statsBy(counts, 'month').map(([month, { mean }]) => [month, mean])).toEqual([
    ['2026-10', 1],
    ['2026-11', 5],
  ]);
  expect(statsBy(counts, 'ticketType').map(([type, { answered }]) => [type, answered])).toEqual([['fault', 2]]);
  expect(statsBy(counts, 'serviceProblem').map(([id]) => id)).toEqual(['SP-1']);
});

test.each([
  [0, '0 s'],
  [0.0384, '38 ms'],
  [1, '1 s'],
  [4.23, '4.2 s'],
  [210, '3.5 min'],
  [7200, '2 h'],
  [23_028_146.7, '267 days'],
])('%d seconds are %s', (seconds, words) => {
  expect(durationWords(seconds)).toBe(words);
});
