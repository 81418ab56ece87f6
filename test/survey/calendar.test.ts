import { quietUntil } from '../../src/survey/calendar.js';

const night = { from: '21:00', to: '08:00' };
const until = (now: string, zone?: string, hours: Parameters<typeof quietUntil>[1] = night) =>
  quietUntil(new Date(now), hours, zone)?.toISOString();

test.each([
  ['before', '2026-11-24T19:59:59Z', undefined],
  ['in the evening', '2026-11-24T22:00:00Z', '2026-11-25T07:00:00.000Z'],
  ['as they begin', '2026-11-24T20:00:00Z', '2026-11-25T07:00:00.000Z'],
  ['after midnight', '2026-11-25T01:00:00Z', '2026-11-25T07:00:00.000Z'],
  ['as they end', '2026-11-25T07:00:00Z', undefined],
  // Berlin puts its clocks forward on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00.
  ['in the short night', '2026-03-28T22:00:00Z', '2026-03-29T06:00:00.000Z'],
  ['in the long night', '2026-10-24T22:00:00Z', '2026-10-25T07:00:00.000Z'],
])('in Berlin, %s of the quiet hours', (_, now, end) => expect(until(now, 'Europe/Berlin')).toBe(end));

test.each([
  ['that the clocks skip ends an hour later', '2026-03-29T00:30:00Z', '2026-03-29T01:30:00.000Z'],
  ['that comes twice ends by the first', '2026-10-24T23:30:00Z', '2026-10-25T00:30:00.000Z'],
])('an end %s', (_, now, end) => expect(until(now, 'Europe/Berlin', { from: '01:00', to: '02:30' })).toBe(end));

test('an unknown zone is the policy’s, else UTC', () => {
  expect(until('2026-11-24T21:30:00Z')).toBe('2026-11-25T08:00:00.000Z');
  expect(until('2026-11-24T21:30:00Z', 'Mars/Olympus')).toBe('2026-11-25T08:00:00.000Z');
  expect(until('2026-11-24T13:30:00Z', undefined, { ...night, zone: 'Asia/Tokyo' })).toBe('2026-11-24T23:00:00.000Z');
});

test('without quiet hours no mail waits, and hours within one day end that day', () => {
  expect(until('2026-11-24T03:00:00Z', 'UTC', null)).toBeUndefined();
  expect(until('2026-11-24T12:30:00Z', 'UTC', { from: '12:00', to: '13:00' })).toBe('2026-11-24T13:00:00.000Z');
  expect(until('2026-11-24T11:30:00Z', 'UTC', { from: '12:00', to: '13:00' })).toBeUndefined();
});
