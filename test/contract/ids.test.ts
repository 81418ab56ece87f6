import { alertIdOf } from '../../src/contract/ids.js';

test('a second request to clear a service problem has an alert of its own, also on the same day', () => {
  const alert = { kind: 'massClear', serviceProblemId: 'SP-1', failed: 3, at: '2026-03-01T12:00:00.000Z' } as const;
  const [first, second] = ['request-1', 'request-2'].map((request) => alertIdOf({ ...alert, request }));
  expect(first).not.toBe(second);
  expect(alertIdOf({ ...alert, request: 'request-1', failed: 4 })).toBe(first);
});
