import type { Survey, SurveyState } from '../../src/contract/survey.js';
import { confirmationLinkState, linkState } from '../../src/policy/links.js';
import { day } from '../../src/policy/time.js';

describe('the link of a survey', () => {
  const expiry = new Date('2026-03-15T00:00:00Z');
  const before = new Date(expiry.getTime() - 1);
  const surveyIn = (state: SurveyState): Pick<Survey, 'state' | 'reason' | 'confirmation' | 'expiresAt'> => ({
    state,
    reason: null,
    confirmation: null,
    expiresAt: expiry,
  });
  test.each([
    ['sent', before, 'open'],
    ['queued', before, 'open'], // the mail may arrive before it is recorded as sent
    ['sent', expiry, 'expired'],
    ['expired', before, 'expired'],
    ['undeliverable', before, 'open'], // the link is proof of a mail that arrived
    ['undeliverable', expiry, 'expired'],
    ['superseded', before, 'superseded'],
    ['skipped', before, 'superseded'],
  ] as const)('that is %s at %p is %s', (state, now, expected) =>
    expect(linkState(surveyIn(state), undefined, now)).toBe(expected),
  );

  test('can change the answer for 24 hours, even after the deadline, unless it was erased', () => {
    const answered = surveyIn('answered');
    const later = (ms: number) => new Date(before.getTime() + ms);
    expect(linkState(answered, before, later(day - 1))).toBe('changeable');
    expect(linkState(answered, before, later(day))).toBe('answered');
    expect(linkState({ ...answered, reason: 'erased' }, before, later(1))).toBe('answered');
    expect(linkState({ ...answered, state: 'superseded' }, before, later(1))).toBe('superseded');
  });
});

test.each([
  ['queued', 'resolved', 'open'],
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
  expect(confirmationLinkState({ confirmation, cycle: 2 }, { status, cycle: 2 })).toBe(state);
  expect(confirmationLinkState({ confirmation, cycle: 1 }, { status: 'closed', cycle: 2 })).toBe('withdrawn');
});
