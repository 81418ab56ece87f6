/** The texts that customers read: one catalogue per language, all with the same messages. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { canonicalTimeZone } from '../contract/contact.js';
import { readCatalogue, type Texts } from './texts/catalogue.js';

/** Code of a language that has a catalogue: a BCP 47 tag, as its file is named. */
export type Language = string;

const folder = fileURLToPath(new URL('./texts/', import.meta.url));

/** English first, then by code. Adding a file adds a language. */
export const languageCodes: Language[] = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace('.yaml', ''))
  .sort((a, b) => Number(b === 'en') - Number(a === 'en') || a.localeCompare(b));
export const isLanguage = (code: string): boolean => languageCodes.includes(code);

/** Those that were needed: most commands need none. */
const catalogues = new Map<Language, Texts>();

/** Throws for a language without a catalogue. */
export function textsOf(language: Language): Texts {
  if (!isLanguage(language)) throw new Error(`There is no catalogue for ${language}.`);
  const texts = catalogues.get(language) ?? load(language);
  catalogues.set(language, texts);
  return texts;
}

function load(code: string): Texts {
  const { texts, faults } = readCatalogue(`${folder}${code}.yaml`);
  const [fault] = faults;
  if (fault) throw new Error(`${code}.yaml, line ${fault.line}: ${fault.message}`);
  return texts;
}

/**
 * The first preference that is among `languages`; their first if none is. Each preference is a BCP 47 tag or an Accept-Language
 * header.
 */
export function languageFor(preferences: (string | undefined)[], languages = languageCodes): Language {
  for (const preference of preferences)
    for (const tag of ranked(preference ?? '')) {
      const found = closestTo(tag, languages);
      if (found) return found;
    }
  return languages[0] ?? 'en';
}

/** Exactly this tag, else its language: `de-AT` is answered in `de`, and `pt` in `pt-BR`. */
function closestTo(tag: string, languages: Language[]): Language | undefined {
  const primary = (code: string) => code.toLowerCase().split('-')[0];
  return (
    languages.find((code) => code.toLowerCase() === tag.toLowerCase()) ??
    languages.find((code) => primary(code) === primary(tag))
  );
}

/** `de-AT, en;q=0.5` gives `de-AT`, `en`: ordered by weight, without those of weight 0 (RFC 9110 §12.4.2). */
function ranked(preference: string): string[] {
  return preference
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((token) => token.trim());
      const weight = parameters.find((token) => token.toLowerCase().startsWith('q='))?.slice(2);
      return { tag, weight: weight === undefined ? 1 : Number(weight) || 0 };
    })
    .filter(({ tag, weight }) => tag !== '' && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}

/** A time in the customer's zone, or in UTC if the zone is unknown or invalid. The text names the zone. */
export function formatTime(time: Date, language: Language, timeZone = 'UTC'): string {
  const format = (zone: string) => timeFormat(textsOf(language).locale, zone).format(time);
  const zone = canonicalTimeZone(timeZone);
  return zone === undefined ? `${format('UTC')} (UTC)` : `${format(zone)} (${timeZone})`;
}

const timeFormats = new Map<string, Intl.DateTimeFormat>();

/** A format takes much longer to make than to use. */
function timeFormat(locale: string, timeZone: string): Intl.DateTimeFormat {
  const key = `${locale} ${timeZone}`;
  const known = timeFormats.get(key);
  if (known) return known;
  const format = new Intl.DateTimeFormat(locale, {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone,
    numberingSystem: 'latn',
  });
  timeFormats.set(key, format);
  return format;
}

export const formatNumber = (value: number, language: Language): string =>
  new Intl.NumberFormat(language, { numberingSystem: 'latn' }).format(value);
