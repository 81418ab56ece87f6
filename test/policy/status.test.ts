import { reportStatuses } from '../../src/contract/reports.js';
import {
  apply,
  changeKind,
  instantOf,
  isLate,
  mayFollow,
  situationOf,
  type Situation,
} from '../../src/policy/status.js';

const early = '2026-03-01T00:00:00.000Z';
const noon = '2026-03-01T12:00:00.000Z';
const late = '2026-03-02T00:00:00.000Z';
const at = (status: Situation['status']): Situation => ({ status, at: noon });

describe('a change of status', () => {
  test.each([
    ['open', 'cleared', 'cleared'],
    ['open', 'reopened', 'open'],
    ['open', 'cancelled', 'cancelled'],
    ['cleared', 'cleared', 'cleared'],
    ['cleared', 'reopened', 'open'],
    ['cleared', 'cancelled', 'cancelled'],
    ['closed', 'cleared', 'closed'],
    ['closed', 'reopened', 'open'],
    ['closed', 'cancelled', 'closed'],
    ['cancelled', 'cleared', 'cancelled'],
    ['cancelled', 'reopened', 'cancelled'],
    ['cancelled', 'cancelled', 'cancelled'],
  ] as const)('of a report that is %s: %s makes it %s', (before, kind, after) => {
    expect(apply(at(before), { kind, at: late })).toEqual({ status: after, at: late });
  });

  test('that is older than the last one applied changes nothing', () => {
    const before = at('open');
    expect(apply(before, { kind: 'cleared', at: early })).toBe(before);
  });

  test('at the same instant as the last one counts: logs are exact to the minute at best', () => {
    expect(apply(at('open'), { kind: 'cleared', at: noon }).status).toBe('cleared');
  });

  test('that repeats what is known still moves the time on, so that something older cannot undo it', () => {
    const repeated = apply(at('cleared'), { kind: 'cleared', at: late });
    expect(apply(repeated, { kind: 'reopened', at: '2026-03-01T18:00:00Z' })).toBe(repeated);
  });
});

test('instants are compared, not their notation', () => {
  expect(isLate('2026-03-01T13:00:00+02:00', '2026-03-01T11:30:00Z')).toBe(true);
  expect(isLate('2026-03-01T13:00:00+01:00', '2026-03-01T12:00:00Z')).toBe(false);
  expect(isLate(early, null)).toBe(false);
});

describe('when a change happened', () => {
  const received = Date.parse(noon);
  test('is what its sender said', () => expect(instantOf('2026-03-01T01:00:00+01:00', received)).toBe(early));
  test('is never in the future', () => expect(instantOf(late, received)).toBe(noon));
  test.each([undefined, null, 7, {}, 'yesterday-ish', ''])(
    'is the time of receipt where the sender said %p',
    (said) => {
      expect(instantOf(said, received)).toBe(noon);
    },
  );
});

describe('statuses of TMF621', () => {
  test('each stands for a situation', () => {
    const words = reportStatuses.map((status) => [status, situationOf(status, null).status]);
    expect(Object.fromEntries(words)).toEqual({
      ...{ acknowledged: 'open', inProgress: 'open', pending: 'open', held: 'open' },
      ...{ resolved: 'cleared', closed: 'closed', cancelled: 'cancelled', rejected: 'cancelled' },
    });
  });

  test.each([
    ['inProgress', 'resolved', 'cleared'],
    ['resolved', 'inProgress', 'reopened'],
    ['closed', 'inProgress', 'reopened'],
    ['resolved', 'held', 'reopened'],
    ['acknowledged', 'rejected', 'cancelled'],
    ['resolved', 'cancelled', 'cancelled'],
    ['acknowledged', 'inProgress', undefined],
  ] as const)('from %s to %s a run is told: %s', (from, to, kind) => expect(changeKind(from, to)).toBe(kind));

  test('nobody but Closeout sets closed, and cancelled is final', () => {
    expect(reportStatuses.filter((from) => mayFollow(from).includes('closed'))).toEqual([]);
    expect([...mayFollow('cancelled'), ...mayFollow('rejected')]).toEqual([]);
  });
});
