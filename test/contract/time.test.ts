import { isTime } from '../../src/contract/time.js';

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
