/** The customer's calendar: quiet hours, in which no mail is sent, and business hours, in which waiting time counts. */
import { DateTime } from 'luxon';
import { weekdays, type BusinessHours, type Policy } from '../policy/settings.js';

/**
 * When the quiet hours that include `now` end; undefined if none do. Calculated in the customer's zone. If the clocks skip the end
 * of the quiet hours, they end later.
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

/** When `ms` of business time have passed since `start`. Without business hours, every hour counts. */
export function afterBusinessTime(
  start: Date,
  ms: number,
  hours: BusinessHours | null,
  customersZone: string | undefined,
): Date {
  if (!hours) return new Date(start.getTime() + ms);
  let left = ms;
  let now = customersTime(start, customersZone, hours.zone);
  for (;;) {
    const begin = DateTime.max(now, at(hours.from, now));
    const open = isWorkday(now, hours) ? Math.max(0, at(hours.to, now).diff(begin).toMillis()) : 0;
    if (open > 0 && left <= open) return begin.plus(left).toJSDate();
    left -= open;
    now = now.plus({ days: 1 }).startOf('day');
  }
}

const isWorkday = (day: DateTime, { days, holidays }: BusinessHours): boolean =>
  days.some((name) => weekdays.indexOf(name) === day.weekday - 1) && !holidays.includes(day.toISODate() ?? '');

/** In the customer's zone, or in `zone` if that is unknown or invalid. */
function customersTime(now: Date, customersZone: string | undefined, zone = 'UTC'): DateTime {
  const known = DateTime.fromJSDate(now, { zone: customersZone ?? zone });
  return known.isValid ? known : DateTime.fromJSDate(now, { zone });
}

function at(clock: string, day: DateTime): DateTime {
  const [hour, minute] = clock.split(':').map(Number);
  return day.set({ hour, minute, second: 0, millisecond: 0 });
}
