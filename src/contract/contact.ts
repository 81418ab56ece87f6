/** The person to write to, and what each of their details may look like. */

/** MEF 124 `relatedContactInformation` with the role `reporterContact`. */
export interface Contact {
  name?: string;
  emailAddress?: string;
  /** BCP 47. */
  preferredLanguage?: string;
  /** IANA zone. */
  timeZone?: string;
  /** Its other attributes, stored and returned unchanged. */
  attributes?: Record<string, unknown>;
}

/**
 * One address, ASCII or not: a dot-atom (RFC 5322 §3.2.3, RFC 6531) and a domain of labels. No character is allowed that is
 * invisible or could turn one address into two.
 */
export const emailAddressPattern =
  /^(?=.{1,64}@.{1,189}$)[^\s@,;:<>()[\]\\".\p{C}]+(\.[^\s@,;:<>()[\]\\".\p{C}]+)*@[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?(\.[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?)*$/u;
export const emailAddressRule = 'must be one e-mail address such as ann@example.com';

export const languageTagPattern = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;
export const languageTagRule = 'must be a language tag such as de or pt-BR';

export const timeZoneRule = 'must be an IANA time zone such as Europe/Berlin';

export const isTimeZone = (zone: string): boolean => canonicalTimeZone(zone) !== undefined;

const timeZones = new Map<string, string>();
const maxTimeZones = 2000; // spellings; there are 600 zones
const maxTimeZoneLength = 64;

/** The usual spelling of a zone; undefined if it does not exist. Results are kept: the search takes much time and memory. */
export function canonicalTimeZone(zone: string): string | undefined {
  const known = timeZones.get(zone);
  if (known !== undefined || zone.length > maxTimeZoneLength) return known;
  const found = findTimeZone(zone);
  if (timeZones.size >= maxTimeZones) timeZones.clear();
  if (found !== undefined) timeZones.set(zone, found);
  return found;
}

function findTimeZone(zone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The domain of `Name <local@domain>` or `local@domain`. */
export const domainOf = (from: string): string => /@([^\s>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';

/** In its parts, because nodemailer would read a colon, a quotation mark or brackets in a name as syntax. */
export interface Mailbox {
  name: string;
  address: string;
}

/** Of `Name <local@domain>` or `local@domain`. The name may be in double quotes. */
export function mailboxOf(text: string): Mailbox {
  const [, name = '', address = text.trim()] = /^(.*)<([^<>]*)>\s*$/.exec(text) ?? [];
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address };
}

/** Without control characters and characters that change the direction of text, so that a name cannot add a header or a recipient. */
export const oneLine = (value: string): string =>
  value.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
