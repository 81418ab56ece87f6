/** The company in whose name a customer is written to: what its mails and pages show, and where they come from. */
import { mailboxOf } from '../contract/contact.js';
import { languageFor, textsOf, type Language } from './texts.js';
import type { Texts } from './texts/catalogue.js';

/** Where a brand's mails come from and its pages are. */
export interface Sender {
  from: string;
  /** A monitored address, because customers reply to it. */
  replyTo: string;
  /** Where customers' pages are, without a path. */
  publicUrl: string;
}

export interface Brand {
  /** As its folder and the policy name it; `default` for the built-in one. */
  id: string;
  /** The company's name; empty: none is shown. */
  name: string;
  /** Lines at the end of every mail and page: imprint, address. */
  footer: string[];
  /** Where customers reach the company: `https:`, `mailto:` or `tel:`. */
  contact: string;
  logo?: { data: Buffer; type: string };
  colours: Colours;
  sender: Sender;
  /** The languages for which the brand has words of its own, merged with the built-in ones. */
  texts: Map<Language, Texts>;
}

/** `#rrggbb`. `accent`: links, borders and buttons on a light page; `accentDark`: on a dark one. */
export interface Colours {
  accent: string;
  accentDark: string;
}

/** The backgrounds that the colours must be readable on. */
export const backgrounds = { light: '#ffffff', dark: '#16191d' } as const;

/** The brands by id. An unknown id, such as one whose folder was removed since, is answered with the built-in brand. */
export class Brands {
  constructor(
    readonly builtIn: Brand,
    private readonly own: ReadonlyMap<string, Brand> = new Map(),
  ) {}

  get all(): Brand[] {
    return [this.builtIn, ...this.own.values()];
  }

  /** Ids of the configured brands, without the built-in one. */
  get ids(): string[] {
    return [...this.own.keys()];
  }

  of(id: string | null | undefined): Brand {
    return this.own.get(id ?? '') ?? this.builtIn;
  }
}

/** A brand in a language: all that a mail or a page needs to find its words. */
export interface Voice {
  brand: Brand;
  language: Language;
  t: Texts;
}

/** In the first of the preferred languages (BCP 47 tags or Accept-Language headers) that is among `languages`, by default all. */
export function voiceOf(brand: Brand, preferences: (string | undefined)[], languages?: Language[]): Voice {
  const language = languageFor(preferences, languages);
  return { brand, language, t: brand.texts.get(language) ?? textsOf(language) };
}

export function builtInBrand(sender: Sender): Brand {
  return {
    id: 'default',
    name: '',
    footer: [],
    contact: `mailto:${mailboxOf(sender.replyTo).address}`,
    colours: { accent: '#123c7c', accentDark: '#9ec5ff' },
    sender,
    texts: new Map(),
  };
}

/** The style sheet that gives a page its colours. */
export const brandCss = ({ colours: { accent, accentDark } }: Brand): string =>
  `:root { --accent: ${accent}; }\n@media (prefers-color-scheme: dark) { :root { --accent: ${accentDark}; } }\n`;

/** The ratio of WCAG 2.2, 1.4.3, from 1 to 21. Colours as `#rrggbb`. */
export function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = parseInt(colour.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
