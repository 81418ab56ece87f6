import type { BusinessHours } from '../../src/policy/settings.js';
import { afterBusinessTime, quietUntil } from '../../src/customer/calendar.js';

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

const office: BusinessHours = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '09:00',
  to: '17:00',
  zone: 'Europe/Berlin',
  holidays: ['2026-12-25'],
};
const hour = 3_600_000;
const after = (start: string, hours: number, zone?: string, calendar: BusinessHours | null = office) =>
  afterBusinessTime(new Date(start), hours * hour, calendar, zone).toISOString();

test.each([
  ['within a day', '2026-11-24T09:00:00Z', 2, '2026-11-24T11:00:00.000Z'],
  ['to the last minute of a day', '2026-11-24T08:00:00Z', 8, '2026-11-24T16:00:00.000Z'],
  ['over a night', '2026-11-24T15:00:00Z', 2, '2026-11-25T09:00:00.000Z'],
  ['from before a day begins', '2026-11-24T03:00:00Z', 1, '2026-11-24T09:00:00.000Z'],
  ['from after a day has ended', '2026-11-24T18:00:00Z', 1, '2026-11-25T09:00:00.000Z'],
  ['over a weekend', '2026-11-27T15:00:00Z', 2, '2026-11-30T09:00:00.000Z'],
  ['two working days', '2026-11-24T10:00:00Z', 16, '2026-11-26T10:00:00.000Z'],
  ['over a holiday and a weekend', '2026-12-24T15:00:00Z', 2, '2026-12-28T09:00:00.000Z'],
  // The Monday after the clocks went forward begins an hour earlier in UTC.
  ['over the change to summer time', '2026-03-27T15:00:00Z', 2, '2026-03-30T08:00:00.000Z'],
])('business time %s', (_, start, hours, end) => expect(after(start, hours)).toBe(end));

test('business hours from midnight to midnight leave no minute out, except on a holiday', () => {
  const days: BusinessHours['days'] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const always: BusinessHours = { ...office, days, from: '00:00', to: '24:00' };
  expect(after('2026-11-24T10:00:00Z', 72, undefined, always)).toBe('2026-11-27T10:00:00.000Z');
  expect(after('2026-12-24T10:00:00Z', 24, undefined, always)).toBe('2026-12-26T10:00:00.000Z');
  expect(after('2026-10-24T10:00:00Z', 24, undefined, always)).toBe('2026-10-25T10:00:00.000Z'); // 25 hours long
});

test('business time is the customer’s own, and around the clock where no hours are given', () => {
  expect(after('2026-11-24T23:30:00Z', 1, 'Asia/Tokyo')).toBe('2026-11-25T01:00:00.000Z');
  expect(after('2026-11-24T23:30:00Z', 1, 'Mars/Olympus')).toBe('2026-11-25T09:00:00.000Z');
  expect(after('2026-11-28T23:30:00Z', 1, 'Asia/Tokyo', null)).toBe('2026-11-29T00:30:00.000Z');
});
