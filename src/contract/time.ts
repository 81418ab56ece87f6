/** Times as callers give them. */

const pattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

export const timeRule = 'must be a time in ISO 8601 with its zone, such as 2026-11-24T09:30:00Z, or a date';

/** How far a caller's clock may be ahead of ours; ms. */
export const maxClockSkew = 5 * 60_000;

/** A date that exists, from 1970 on; with a time only if its zone is given, or each machine would read it in its own. */
export const isTime = (text: string): boolean => exists(text) && (isDate(text) || hasZone(text));

/** The same in UTC, as runs use it. What a program has signalled without a zone is UTC. Undefined if the text is not a time. */
export function instantOf(text: string): string | undefined {
  if (!exists(text)) return undefined;
  return new Date(isDate(text) || hasZone(text) ? text : `${text}Z`).toISOString();
}

const isDate = (text: string): boolean => !text.includes('T');
const hasZone = (text: string): boolean => pattern.exec(text)?.[5] !== undefined;

function exists(text: string): boolean {
  const [, year = NaN, month = NaN, date = NaN] = pattern.exec(text)?.map(Number) ?? [];
  const day = new Date(Date.UTC(year, month - 1, date));
  return (
    year >= 1970 && day.getUTCMonth() === month - 1 && day.getUTCDate() === date && !Number.isNaN(Date.parse(text))
  );
}
