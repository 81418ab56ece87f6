import { reportStatuses, type ReportStatus } from '../../src/contract/reports.js';
import {
  allowedAfter,
  apply,
  changeBetween,
  changeTime,
  isEnded,
  isLate,
  stateOf,
  type State,
} from '../../src/policy/status.js';

const early = '2026-03-01T00:00:00.000Z';
const noon = '2026-03-01T12:00:00.000Z';
const late = '2026-03-02T00:00:00.000Z';
const at = (state: State) => ({ state, changedAt: noon });

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
    expect(apply(at(before), { kind, at: late })).toEqual({ state: after, changedAt: late });
  });

  test('that is older than the last one applied changes nothing', () => {
    expect(apply(at('open'), { kind: 'cleared', at: early })).toBeUndefined();
  });

  test('at the same instant as the last one counts: logs are exact to the minute at best', () => {
    expect(apply(at('open'), { kind: 'cleared', at: noon })).toEqual({ state: 'cleared', changedAt: noon });
  });

  test('that repeats what is known still moves the time forward, so that nothing older can undo it', () => {
    const repeated = apply(at('cleared'), { kind: 'cleared', at: late });
    expect(repeated).toEqual({ state: 'cleared', changedAt: late });
    expect(repeated && apply(repeated, { kind: 'reopened', at: '2026-03-01T18:00:00Z' })).toBeUndefined();
  });
});

test('instants are compared, not their notation', () => {
  expect(isLate('2026-03-01T13:00:00+02:00', '2026-03-01T11:30:00Z')).toBe(true);
  expect(isLate('2026-03-01T13:00:00+01:00', '2026-03-01T12:00:00Z')).toBe(false);
  expect(isLate(early, null)).toBe(false);
});

describe('when a change happened', () => {
  const received = Date.parse(noon);
  test('is the time that its sender stated', () =>
    expect(changeTime('2026-03-01T01:00:00+01:00', received)).toBe(early));
  test('is never in the future', () => expect(changeTime(late, received)).toBe(noon));
  test.each([undefined, null, 7, {}, 'yesterday-ish', ''])(
    'is the time of receipt if the sender stated %p',
    (stated) => {
      expect(changeTime(stated, received)).toBe(noon);
    },
  );
});

describe('statuses of TMF621', () => {
  const states: Record<ReportStatus, State> = {
    acknowledged: 'open',
    inProgress: 'open',
    pending: 'open',
    held: 'open',
    resolved: 'cleared',
    closed: 'closed',
    cancelled: 'cancelled',
    rejected: 'cancelled',
  };

  test.each(reportStatuses)('%s means one state', (status) => {
    expect(stateOf(status)).toBe(states[status]);
    expect(isEnded(status)).toBe(states[status] === 'closed' || states[status] === 'cancelled');
  });

  test.each([
    ['inProgress', 'resolved', 'cleared'],
    ['resolved', 'inProgress', 'reopened'],
    ['closed', 'inProgress', 'reopened'],
    ['resolved', 'held', 'reopened'],
    ['acknowledged', 'rejected', 'cancelled'],
    ['resolved', 'cancelled', 'cancelled'],
    ['acknowledged', 'inProgress', undefined],
  ] as const)('from %s to %s means the change %s', (from, to, kind) => expect(changeBetween(from, to)).toBe(kind));

  test('nobody but Closeout sets closed, and cancelled is final', () => {
    expect(reportStatuses.filter((from) => allowedAfter(from).includes('closed'))).toEqual([]);
    expect([...allowedAfter('cancelled'), ...allowedAfter('rejected')]).toEqual([]);
  });
});
