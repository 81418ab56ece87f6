/** What a customer reads, in the customer's language: one catalogue a language, all of one shape. */
import type { Score } from '../contract/reports.js';
import { ar } from './texts/ar.js';
import { de } from './texts/de.js';
import { en } from './texts/en.js';
import { fr } from './texts/fr.js';

export const languages = { en, de, fr, ar } as const;
export type Language = keyof typeof languages;
export const languageCodes = Object.keys(languages) as Language[];

/** Own keys only: `in` would accept `constructor`, which every object inherits. */
export const isLanguage = (code: string): code is Language => Object.hasOwn(languages, code);

/** The first wish that can be met, each a BCP 47 tag or an Accept-Language header; English where none can. */
export function languageFor(...wishes: (string | undefined)[]): Language {
  for (const wish of wishes) {
    const found = ranked(wish ?? '').find(isLanguage);
    if (found) return found;
  }
  return 'en';
}

/** Of `de-AT, en;q=0.5`: `de`, `en`; by weight, and what has none is not wanted (RFC 9110 §12.4.2). */
function ranked(wish: string): string[] {
  return wish
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
      const weight = parameters.find((word) => word.startsWith('q='))?.slice(2);
      return { language: tag.split('-')[0] ?? '', weight: weight === undefined ? 1 : Number(weight) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ language }) => language);
}

/** A point in time in the customer's own zone; UTC, and said so, where we do not know it or it is not one. */
export function moment(time: Date, language: Language, timeZone = 'UTC'): string {
  const format = (zone: string) =>
    new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
      ...{ dateStyle: 'long', timeStyle: 'short', timeZone: zone, numberingSystem: 'latn' },
    }).format(time);
  try {
    return `${format(timeZone)} (${timeZone})`;
  } catch {
    return `${format('UTC')} (UTC)`;
  }
}

export const number = (value: number, language: Language): string =>
  new Intl.NumberFormat(language, { numberingSystem: 'latn' }).format(value);

/** `4 – satisfied`. */
export const ratingWords = (score: Score, language: Language): string =>
  `${score} – ${languages[language].ratings[score]}`;
