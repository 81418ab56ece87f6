import { reportStatuses, type ReportStatus } from '../../src/contract/reports.js';
import { allowedAfter, changeTo, isEnded, nextState, stateOf, type State } from '../../src/policy/status.js';

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
] as const)('a report that is %s: %s makes it %s', (before, kind, after) => {
  expect(nextState(before, kind)).toBe(after);
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
    ['resolved', 'cleared'],
    ['inProgress', 'reopened'],
    ['held', 'reopened'],
    ['rejected', 'cancelled'],
    ['cancelled', 'cancelled'],
    ['closed', undefined],
  ] as const)('a caller who sets %s reports the change %s', (status, kind) => expect(changeTo(status)).toBe(kind));

  test('nobody but Closeout sets closed, and cancelled is final', () => {
    expect(reportStatuses.filter((from) => allowedAfter(from).includes('closed'))).toEqual([]);
    expect([...allowedAfter('cancelled'), ...allowedAfter('rejected')]).toEqual([]);
  });
});
