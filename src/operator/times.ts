/** Times as operators read them: relative, with the exact one beside it. */
import { day, hour, minute } from '../policy/time.js';

const units = [
  { unit: 'd', ms: day },
  { unit: 'h', ms: hour },
  { unit: 'min', ms: minute },
] as const;

/** `3 d ago`, `in 5 h`, `just now`; from 30 days on the date. */
export function relativeTime(time: Date | string, now: Date): string {
  const at = new Date(time);
  const ms = at.getTime() - now.getTime();
  const distance = Math.abs(ms);
  if (distance >= 30 * day) return at.toISOString().slice(0, 10);
  const { unit, ms: length } = units.find((candidate) => distance >= candidate.ms) ?? { unit: 'min', ms: minute };
  const count = Math.floor(distance / length);
  if (count === 0) return ms > 0 ? 'in a moment' : 'just now';
  return ms > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

/** A format takes much longer to make than to use, and much memory. */
const shortFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
});
const exactFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

/** For use inside a sentence: `27 Nov, 14:05 GMT+1`, in the time zone of this machine. */
export const shortTime = (time: Date | string): string => shortFormat.format(new Date(time));

/** In the time zone of this machine, with its name. */
export const exactTime = (time: Date | string): string => exactFormat.format(new Date(time));
