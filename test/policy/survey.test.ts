import { skipReasons, type SkipReason } from '../../src/contract/survey.js';
import { defaultPolicy } from '../../src/policy/settings.js';
import { alertsOperator, sampleBucketOf, skipReason, type EligibilityFacts } from '../../src/policy/survey.js';

const policy = defaultPolicy.survey;
const sendable: EligibilityFacts = {
  status: 'closed',
  isCurrentCycle: true,
  isRecleared: false,
  hasAddress: true,
  optedOut: false,
  suppressed: false,
  sentToCustomer: 0,
  sentForReport: 0,
  askedForServiceProblem: false,
  sampleBucket: 0,
  byOperator: false,
};

/** For each reason, facts and settings under which it applies. */
const applies: Record<SkipReason, [Partial<EligibilityFacts>, Partial<typeof policy>]> = {
  disabled: [{}, { enabled: false }],
  noAddress: [{ hasAddress: false }, {}],
  optedOut: [{ optedOut: true }, {}],
  suppressed: [{ suppressed: true }, {}],
  contactCap: [{ sentToCustomer: 1 }, {}],
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
    expect(skipReason({ ...sendable, ...facts }, { ...policy, ...settings })).toBe(reason);
  });

  test('has one reason, the first in the order of the contract', () => {
    for (const [index, first] of skipReasons.entries()) {
      for (const second of skipReasons.slice(index + 1)) {
        if (first === 'reopened' && second === 'cancelled') continue; // one status cannot be both
        const facts = { ...sendable, ...applies[second][0], ...applies[first][0] };
        expect(skipReason(facts, { ...policy, ...applies[second][1], ...applies[first][1] })).toBe(first);
      }
    }
  });

  test('of a report cleared again is exempt from the contact cap', () => {
    expect(skipReason({ ...sendable, sentToCustomer: 5, isRecleared: true }, policy)).toBeUndefined();
  });

  test('of an earlier cycle is not sent any more', () => {
    expect(skipReason({ ...sendable, isCurrentCycle: false }, policy)).toBe('reopened');
  });

  test('is sampled by bucket: 0 % asks nobody, 100 % everybody', () => {
    for (const sampleBucket of [0, 99]) {
      expect(skipReason({ ...sendable, sampleBucket }, { ...policy, sample: 0 })).toBe('sampledOut');
      expect(skipReason({ ...sendable, sampleBucket }, { ...policy, sample: 100 })).toBeUndefined();
    }
  });
});

test('an operator is alerted at 2 or less by default, and whenever the problem is not solved', () => {
  const alerting = ([1, 2, 3, 4, 5] as const).filter((score) => alertsOperator({ score }, defaultPolicy.alert));
  expect(alerting).toEqual([1, 2]);
  expect(alertsOperator({}, { scoreAtMost: 5 })).toBe(false);
  expect(alertsOperator({ score: 5, solved: false }, { scoreAtMost: 2 })).toBe(true);
});

test('reports are sampled evenly, and always alike', () => {
  const buckets = Array.from({ length: 10_000 }, (_, n) => sampleBucketOf(`PR-${n}`));
  const counts = Array.from({ length: 100 }, (_, bucket) => buckets.filter((other) => other === bucket).length);
  expect(Math.min(...counts)).toBeGreaterThan(50);
  expect(Math.max(...counts)).toBeLessThan(150);
  expect(sampleBucketOf('PR-1')).toBe(buckets[1]);
});
