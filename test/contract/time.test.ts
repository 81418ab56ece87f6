import { instantOf, isTime } from '../../src/contract/time.js';

test.each([
  ['2026-11-24T09:30:00Z', true],
  ['2026-11-24T09:30:00.123456789Z', true],
  ['2026-11-24T09:30+01:00', true],
  ['2026-11-24T09:30:00+0100', true],
  ['2026-11-24', true],
  ['2024-02-29', true],
  ['2026-02-29', false],
  ['2026-11-24T24:00Z', false],
  ['1969-12-31', false],
  ['2026-11-24T09:30', false], // each machine would read it in its own zone
  ['2026-11-24T', false],
  ['yesterday', false],
])('%s: %s', (text, isValid) => {
  expect(isTime(text)).toBe(isValid);
});

test.each([
  ['2026-11-24T09:30:00+01:00', '2026-11-24T08:30:00.000Z'],
  ['2026-11-24', '2026-11-24T00:00:00.000Z'],
  ['2026-11-24T09:30', '2026-11-24T09:30:00.000Z'], // whatever the zone of the worker
  ['2026-13-24T09:30', undefined],
])('a run reads %s as %s', (text, instant) => {
  expect(instantOf(text)).toBe(instant);
});
