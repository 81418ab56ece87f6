/** The texts that customers read: one catalogue per language, all with the same messages. */
import type { Score } from '../contract/survey.js';
import { ar } from './texts/ar.js';
import { de } from './texts/de.js';
import { en } from './texts/en.js';
import { fr } from './texts/fr.js';

export const languages = { en, de, fr, ar } as const;
export type Language = keyof typeof languages;
export const languageCodes = Object.keys(languages) as Language[];

/** Own keys only: `in` would accept `constructor`, which every object inherits. */
export const isLanguage = (code: string): code is Language => Object.hasOwn(languages, code);

/** The first preference that we have a catalogue for; English if none. Each is a BCP 47 tag or an Accept-Language header. */
export function languageFor(...preferences: (string | undefined)[]): Language {
  for (const preference of preferences) {
    const found = ranked(preference ?? '').find(isLanguage);
    if (found) return found;
  }
  return 'en';
}

/** `de-AT, en;q=0.5` gives `de`, `en`: ordered by weight, without those of weight 0 (RFC 9110 §12.4.2). */
function ranked(preference: string): string[] {
  return preference
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((token) => token.trim().toLowerCase());
      const weight = parameters.find((token) => token.startsWith('q='))?.slice(2);
      return { language: tag.split('-')[0] ?? '', weight: weight === undefined ? 1 : Number(weight) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ language }) => language);
}

/** A time in the customer's zone, or in UTC if the zone is unknown or invalid. The text names the zone. */
export function formatTime(time: Date, language: Language, timeZone = 'UTC'): string {
  const format = (zone: string) => timeFormat(languages[language].locale, zone).format(time);
  try {
    return `${format(timeZone)} (${timeZone})`;
  } catch {
    return `${format('UTC')} (UTC)`;
  }
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

/** `4 – satisfied`. */
export const ratingWords = (score: Score, language: Language): string =>
  `${score} – ${languages[language].ratings[score]}`;
