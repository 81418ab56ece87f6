/** The customer's own clock: quiet hours, in which no mail may come, and business hours, in which waiting counts. */
import { DateTime } from 'luxon';
import { weekdays, type BusinessHours, type Policy } from '../policy/settings.js';

/**
 * When the quiet hours that `now` lies in end; undefined: it lies in none. Wall clock times of the customer's zone, so
 * both changes to and from daylight saving are the library's to know: a wall time that the clocks skip ends later.
 */
export function quietUntil(
  now: Date,
  quietHours: Policy['survey']['quietHours'],
  customersZone: string | undefined,
): Date | undefined {
  if (!quietHours) return undefined;
  const { from, to, zone } = quietHours;
  const here = customersTime(now, customersZone, zone);
  // Yesterday's hours may reach into today.
  for (const day of [here.minus({ days: 1 }), here]) {
    const begin = at(from, day);
    const end = at(to, to > from ? day : day.plus({ days: 1 }));
    if (here >= begin && here < end) return end.toJSDate();
  }
  return undefined;
}

/** The time at which `ms` of business time have passed since `start`; without business hours every hour counts. */
export function afterBusinessTime(
  start: Date,
  ms: number,
  hours: BusinessHours | null,
  customersZone: string | undefined,
): Date {
  if (!hours) return new Date(start.getTime() + ms);
  let left = ms;
  for (let now = customersTime(start, customersZone, hours.zone); ; now = now.plus({ days: 1 }).startOf('day')) {
    if (!isWorkday(now, hours)) continue;
    const begin = DateTime.max(now, at(hours.from, now));
    const open = at(hours.to, now).diff(begin).toMillis();
    if (open > 0 && left <= open) return begin.plus(left).toJSDate();
    left -= Math.max(0, open);
  }
}

const isWorkday = (day: DateTime, { days, holidays }: BusinessHours): boolean =>
  days.some((name) => weekdays.indexOf(name) === day.weekday - 1) && !holidays.includes(day.toISODate() ?? '');

/** In the customer's zone, or the other one where that is not known or not one. */
function customersTime(now: Date, customersZone: string | undefined, zone = 'UTC'): DateTime {
  const known = DateTime.fromJSDate(now, { zone: customersZone ?? zone });
  return known.isValid ? known : DateTime.fromJSDate(now, { zone });
}

function at(clock: string, day: DateTime): DateTime {
  const [hour, minute] = clock.split(':').map(Number);
  return day.set({ hour, minute, second: 0, millisecond: 0 });
}
