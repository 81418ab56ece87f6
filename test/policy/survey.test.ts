import { skipReasons, type SkipReason } from '../../src/contract/survey.js';
import { scoresOf } from '../../src/contract/scale.js';
import { defaultPolicy } from '../../src/policy/settings.js';
import {
  alertsOperator,
  alertsUpTo,
  sampleBucketOf,
  skipReason,
  type EligibilityFacts,
} from '../../src/policy/survey.js';

const policy = defaultPolicy.survey;
const sendable: EligibilityFacts = {
  status: 'closed',
  isCurrentCycle: true,
  isRecleared: false,
  hasAddress: true,
  optedOut: false,
  suppressed: false,
  sentToCustomer: 0,
  askedTheQuestion: 0,
  sentForReport: 0,
  askedForServiceProblem: false,
  sampleBucket: 0,
  byOperator: false,
};

const onceADay = { count: 1, per: 86_400_000 };

/** For each reason, facts and settings under which it applies. */
const applies: Record<SkipReason, [Partial<EligibilityFacts>, Partial<typeof policy>]> = {
  disabled: [{}, { enabled: false }],
  noAddress: [{ hasAddress: false }, {}],
  optedOut: [{ optedOut: true }, {}],
  suppressed: [{ suppressed: true }, {}],
  contactCap: [{ sentToCustomer: 1 }, {}],
  questionCap: [{ askedTheQuestion: 1 }, {}],
  sampledOut: [{ sampleBucket: 40 }, { sample: 40 }],
  once: [{ sentForReport: 1 }, { perCycle: 'once' }],
  serviceProblem: [{ askedForServiceProblem: true }, {}],
  reopened: [{ status: 'inProgress' }, {}],
  cancelled: [{ status: 'cancelled' }, {}],
  byOperator: [{ byOperator: true }, {}],
};

describe('a survey', () => {
  test('is sent if no reason applies', () => expect(skipReason(sendable, policy)).toBeUndefined());

  test.each(skipReasons)('is skipped as %s', (reason) => {
    const [facts, settings] = applies[reason];
    expect(skipReason({ ...sendable, ...facts }, { ...policy, ...settings }, onceADay)).toBe(reason);
  });

  test('has one reason, the first in the order of the contract', () => {
    for (const [index, first] of skipReasons.entries()) {
      for (const second of skipReasons.slice(index + 1)) {
        if (first === 'reopened' && second === 'cancelled') continue; // one status cannot be both
        const facts = { ...sendable, ...applies[second][0], ...applies[first][0] };
        const settings = { ...policy, ...applies[second][1], ...applies[first][1] };
        expect(skipReason(facts, settings, onceADay)).toBe(first);
      }
    }
  });

  test('of a report cleared again is exempt from the contact cap', () => {
    expect(skipReason({ ...sendable, sentToCustomer: 5, isRecleared: true }, policy)).toBeUndefined();
  });

  test('of an earlier cycle is not sent any more', () => {
    expect(skipReason({ ...sendable, isCurrentCycle: false }, policy)).toBe('reopened');
  });

  test('of a report that was rejected is not sent', () => {
    expect(skipReason({ ...sendable, status: 'rejected' }, policy)).toBe('cancelled');
  });

  test('is sampled by bucket: 0 % asks nobody, 100 % everybody', () => {
    for (const sampleBucket of [0, 99]) {
      expect(skipReason({ ...sendable, sampleBucket }, { ...policy, sample: 0 })).toBe('sampledOut');
      expect(skipReason({ ...sendable, sampleBucket }, { ...policy, sample: 100 })).toBeUndefined();
    }
  });
});

test.each([
  ['satisfaction', [1, 2]],
  ['nps', [0, 1, 2, 3, 4, 5, 6]],
  ['thumbs', [0]],
  ['effort', [1, 2, 3]],
] as const)('on the scale %s, an operator is alerted to %j by default', (scale, expected) => {
  const usual = alertsUpTo(defaultPolicy.alert, scale);
  expect(scoresOf(scale).filter((score) => alertsOperator({ score }, usual))).toEqual(expected);
});

test('an operator is alerted whenever the problem is not solved, and to no answer without a score', () => {
  expect(alertsOperator({}, 5)).toBe(false);
  expect(alertsOperator({ score: 5, solved: false }, 2)).toBe(true);
  expect(alertsUpTo({ scoreAtMost: 1 }, 'nps')).toBe(1);
});

test('sampling is even and deterministic', () => {
  const buckets = Array.from({ length: 10_000 }, (_, n) => sampleBucketOf(`PR-${n}`));
  const counts = Array.from(
    { length: 100 },
    (_, bucket) => buckets.filter((other) => Math.floor(other) === bucket).length,
  );
  expect(Math.min(...counts)).toBeGreaterThan(50);
  expect(Math.max(...counts)).toBeLessThan(150);
  const half = buckets.filter((bucket) => bucket < 0.5).length;
  expect([half > 25, half < 75]).toEqual([true, true]);
  expect(sampleBucketOf('PR-1')).toBe(buckets[1]);
});
