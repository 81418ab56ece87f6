import { skipReasons, type SkipReason } from '../../src/contract/reports.js';
import { defaultPolicy } from '../../src/policy/settings.js';
import { callsOperator, confirmState, linkState, skipReason, type SendFacts } from '../../src/policy/survey.js';

const policy = defaultPolicy.survey;
const sendable: SendFacts = {
  ...{
    status: 'closed',
    isCurrentCycle: true,
    isRecleared: false,
    hasAddress: true,
    optedOut: false,
    suppressed: false,
  },
  ...{ sentToCustomer: 0, sentForReport: 0, askedForServiceProblem: false, sampleBucket: 0, byOperator: false },
};

/** For each reason, facts and settings under which it applies. */
const applies: Record<SkipReason, [Partial<SendFacts>, Partial<typeof policy>]> = {
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
  test('goes out when nothing speaks against it', () => expect(skipReason(sendable, policy)).toBeUndefined());

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

describe('the link of a survey', () => {
  const expiry = new Date('2026-03-15T00:00:00Z');
  const before = new Date(expiry.getTime() - 1);
  test.each([
    ['sent', before, 'open'],
    ['claimed', before, 'open'], // the mail may arrive before it is noted as sent
    ['sent', expiry, 'expired'],
    ['expired', before, 'expired'],
    ['undeliverable', before, 'expired'],
    ['superseded', before, 'superseded'],
    ['skipped', before, 'superseded'],
  ])('that is %s at %p is %s', (state, now, word) =>
    expect(linkState({ state, reason: null, expires_at: expiry }, undefined, now)).toBe(word),
  );

  test('may change what was answered for 24 hours, whatever the deadline, unless it was erased', () => {
    const answered = { state: 'answered', reason: null, expires_at: expiry };
    const later = (ms: number) => new Date(before.getTime() + ms);
    const day = 24 * 60 * 60 * 1000;
    expect(linkState(answered, before, later(day - 1))).toBe('changeable');
    expect(linkState(answered, before, later(day))).toBe('answered');
    expect(linkState({ ...answered, reason: 'erased' }, before, later(1))).toBe('answered');
    expect(linkState({ ...answered, state: 'superseded' }, before, later(1))).toBe('superseded');
  });
});

test('an operator is called at 2 or less by default, and whenever the problem is not solved', () => {
  const called = ([1, 2, 3, 4, 5] as const).filter((score) => callsOperator({ score }, defaultPolicy.alert));
  expect(called).toEqual([1, 2]);
  expect(callsOperator({}, { scoreAtMost: 5 })).toBe(false);
  expect(callsOperator({ score: 5, solved: false }, { scoreAtMost: 2 })).toBe(true);
});

test.each([
  ['claimed', 'resolved', 'open'],
  ['sent', 'inProgress', 'withdrawn'],
  ['sent', 'closed', 'late'],
  ['sent', 'cancelled', 'cancelled'],
  ['silence', 'resolved', 'late'],
  ['silence', 'closed', 'late'],
  ['released', 'closed', 'late'],
  ['unreachable', 'closed', 'late'],
  ['unreachable', 'resolved', 'withdrawn'],
  ['yes', 'resolved', 'confirmed'],
  ['yes', 'closed', 'confirmed'],
  ['yes', 'inProgress', 'withdrawn'],
  ['no', 'inProgress', 'refused'],
  ['no', 'closed', 'late'],
  ['no', 'cancelled', 'cancelled'],
  ['withdrawn', 'closed', 'withdrawn'],
] as const)('a confirmation that is %s, its report %s: the link is %s', (confirmation, status, state) => {
  expect(confirmState({ confirmation, cycle: 2 }, { status, cycle: 2 })).toBe(state);
  expect(confirmState({ confirmation, cycle: 1 }, { status: 'closed', cycle: 2 })).toBe('withdrawn');
});
