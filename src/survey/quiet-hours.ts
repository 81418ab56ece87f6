/** When a mail may reach a customer: not in the quiet hours of the customer's own day. */
import { DateTime } from 'luxon';
import type { Policy } from '../policy/settings.js';

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
  const { from, to, zone = 'UTC' } = quietHours;
  const known = DateTime.fromJSDate(now, { zone: customersZone ?? zone });
  const here = known.isValid ? known : DateTime.fromJSDate(now, { zone });
  const at = (clock: string, day: DateTime) => {
    const [hour, minute] = clock.split(':').map(Number);
    return day.set({ hour, minute, second: 0, millisecond: 0 });
  };
  // Yesterday's hours may reach into today.
  for (const day of [here.minus({ days: 1 }), here]) {
    const begin = at(from, day);
    const end = at(to, to > from ? day : day.plus({ days: 1 }));
    if (here >= begin && here < end) return end.toJSDate();
  }
  return undefined;
}
