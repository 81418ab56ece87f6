import {
  durationWords,
  netPromoterScore,
  statsBy,
  statsOf,
  wilson,
  type SurveyCount,
} from '../../src/operator/satisfaction.js';

const row = (given: Partial<SurveyCount>): SurveyCount => ({
  month: '2026-11',
  ticketType: 'fault',
  serviceProblem: null,
  state: 'answered',
  reason: null,
  wasSent: true,
  question: 'satisfaction',
  version: 1,
  scale: 'satisfaction',
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
  const figure = { value: 80, low: 49, high: 94.3 };
  expect(stats.ratings).toMatchObject([{ count: 10, figure, mean: 4.2, distribution: [1, 0, 1, 2, 6] }]);
  expect(stats).toMatchObject({ answered: 10, responseRate: 100 });
});

test('scales and versions are never added up', () => {
  const nps = { question: 'loyalty', scale: 'nps' } as const;
  const stats = statsOf([
    row({ score: 5, count: 2 }),
    row({ ...nps, score: 10, count: 6 }),
    row({ ...nps, score: 8, count: 3 }),
    row({ ...nps, score: 0 }),
    row({ ...nps, version: 2, score: 7 }),
    row({ question: 'thumbs', scale: 'thumbs', score: 0 }),
    row({ question: 'effort', scale: 'effort', score: 5 }),
  ]);
  expect(stats.ratings.map(({ question, version, count, figure }) => [question, version, count, figure.value])).toEqual(
    [
      ['loyalty', 1, 10, 50],
      ['satisfaction', 1, 2, 100],
      ['loyalty', 2, 1, 0],
      ['thumbs', 1, 1, 0],
      ['effort', 1, 1, 100],
    ],
  );
  expect(stats.ratings[0]?.distribution).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 6]);
});

test('the interval of a net promoter score holds it, and stays on the scale', () => {
  expect(netPromoterScore(50, 20, 100)).toEqual({ value: 30, low: 14.1, high: 44.2 });
  const [all, none] = [netPromoterScore(4, 0, 4), netPromoterScore(0, 4, 4)];
  expect(all).toMatchObject({ value: 100, high: 100 });
  expect(none).toMatchObject({ value: -100, low: -100 });
  expect(all.low).toBe(-none.high);
});

test('without an answer there is no satisfaction, not 0 % and not 100 %', () => {
  expect(statsOf([])).toMatchObject({ ratings: [], responseRate: null });
  expect(statsOf([row({ score: null })])).toMatchObject({ answered: 1, ratings: [] });
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
  expect(statsBy(counts, 'month').map(([month, { ratings }]) => [month, ratings[0]?.mean])).toEqual([
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
