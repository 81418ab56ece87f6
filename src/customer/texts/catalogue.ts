/** The messages that every language has, what each is filled with, and how a catalogue is read from its YAML file. */
import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';

const plain = [] as const;
const about = ['report'] as const;
const at = ['when'] as const;

/** In the file, a placeholder is its name in braces: `{report}`. */
export const messages = {
  /** The language's own name. */
  language: plain,
  /** For dates and times: a BCP 47 tag. */
  locale: plain,
  /** `ltr` or `rtl`. */
  dir: plain,
  /** The question of each scale, and the words for its scores. */
  scales: {
    satisfaction: { question: plain, words: { 1: plain, 2: plain, 3: plain, 4: plain, 5: plain } },
    nps: { question: plain, words: { 0: plain, 10: plain } },
    thumbs: { question: plain, words: { 0: plain, 1: plain } },
    effort: {
      question: plain,
      words: { 1: plain, 2: plain, 3: plain, 4: plain, 5: plain, 6: plain, 7: plain },
    },
  },
  mail: {
    subject: about,
    reminder: about,
    hello: plain,
    helloName: ['name'],
    askedBefore: plain,
    closed: about,
    cleared: at,
    nothingStored: plain,
    notSolved: plain,
    until: at,
    why: plain,
    optOut: plain,
    preheader: about,
    answeredBy: about,
  },
  /** Before the closing: is the problem fixed? */
  confirm: {
    subject: about,
    warning: about,
    cleared: about,
    isItFixed: plain,
    yes: plain,
    no: plain,
    silence: at,
    staysOpen: plain,
    question: about,
    reason: plain,
    confirmed: about,
    closed: about,
    closedOn: ['report', 'when'],
    closedInSilence: ['report', 'when'],
    late: plain,
    withdrawn: plain,
    reopened: plain,
    cancelled: plain,
  },
  page: {
    errorTitle: plain,
    yourAnswer: plain,
    complaints: plain,
    complaint: { slow: plain, notSolved: plain, poorlyInformed: plain, unfriendly: plain, repeatedFault: plain },
    solved: plain,
    yes: plain,
    no: plain,
    comment: plain,
    commentHint: ['longest'],
    send: plain,
    change: plain,
    hint: plain,
    changeable: ['until'],
    choose: plain,
    optional: plain,
    tooLong: ['length', 'longest'],
    stillWrong: plain,
    otherLanguages: plain,
    contactUs: plain,
  },
  thanks: {
    title: plain,
    rating: ['report', 'rating'],
    reopened: about,
    followUp: ['report', 'next'],
    change: plain,
    close: plain,
  },
  ended: {
    answered: { title: plain, text: plain },
    expired: { title: plain, text: plain },
    superseded: { title: plain, text: plain },
  },
  optOut: {
    title: plain,
    ask: plain,
    button: plain,
    doneTitle: plain,
    done: plain,
    undo: plain,
    undoneTitle: plain,
    undone: plain,
  },
  refused: { title: plain, again: plain, invalid: plain, tooMany: plain, limit: plain, tooLong: plain, failed: plain },
} as const;

type Placeholders = readonly string[];
type Shape = { readonly [key: string]: Placeholders | Shape };
type Text<T> = T extends readonly []
  ? string
  : T extends Placeholders
    ? (values: Record<T[number], string>) => string
    : { [K in keyof T]: Text<T[K]> };

export type Texts = Text<typeof messages>;

/** A fault of a catalogue. `line`: from 1. */
export interface Fault {
  line: number;
  message: string;
}

/** Reads a catalogue; what it lacks comes from `base`, if there is one. With faults, what it returns must not be used. */
export function readCatalogue(path: string, base?: Texts): { texts: Texts; faults: Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines });
  const lineOf = (node: unknown): number => lines.linePos((node as Node | undefined)?.range?.[0] ?? 0).line;
  const faults = document.errors.map(({ message, linePos }) => ({ line: linePos?.[0].line ?? 1, message }));
  const report: Report = (node, message) => faults.push({ line: lineOf(node), message });
  const isRightToLeft = document.get('dir') === 'rtl' || (base?.dir === 'rtl' && !document.has('dir'));
  const texts = read(document.contents, messages, base, '', report, isRightToLeft ? isolated : unchanged);
  return { texts: texts as Texts, faults };
}

type Report = (node: unknown, message: string) => void;

/** What a placeholder becomes. In a text from right to left, 2026-0815 would be shown in another order (UAX #9). */
type Fill = (value: string) => string;
const unchanged: Fill = (value) => value;
const isolated: Fill = (value) => (/\p{L}/u.test(value) ? value : `\u2068${value}\u2069`);

/** Messages that are known already, in the form of their shape. */
type Known = { readonly [key: string]: unknown } | undefined;

function read(
  node: Document['contents'] | Node | null | undefined,
  shape: Shape,
  base: Known,
  path: string,
  report: Report,
  fill: Fill,
): unknown {
  if (!isMap(node)) return void report(node, `${path || 'The file'} must be a map of messages.`);
  for (const { key } of node.items) {
    const name = isScalar(key) ? String(key.value) : '';
    if (!Object.hasOwn(shape, name)) report(key, `${path}${name} is not a known message.`);
    if (base && ofTheLanguage.has(name) && path === '') report(key, `${name} belongs to the language, not to a brand.`);
  }
  return Object.fromEntries(
    Object.entries(shape).map(([name, inner]) => {
      const value = node.items.find(({ key }) => isScalar(key) && String(key.value) === name)?.value as
        Node | undefined;
      const known = base?.[name];
      if (value === undefined && known !== undefined) return [name, known];
      if (value === undefined) report(node, `${path}${name} is missing.`);
      else if (isShape(inner)) return [name, read(value, inner, known as Known, `${path}${name}.`, report, fill)];
      else return [name, readText(value, inner, `${path}${name}`, report, fill)];
      return [name, undefined];
    }),
  );
}

const ofTheLanguage = new Set(['language', 'locale', 'dir']);

const isShape = (shape: Placeholders | Shape): shape is Shape => !Array.isArray(shape);

function readText(node: Node, placeholders: Placeholders, path: string, report: Report, fill: Fill): unknown {
  const text = isScalar(node) && typeof node.value === 'string' ? node.value.trim() : '';
  if (text === '') return void report(node, `${path} must be text.`);
  const used = new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name));
  for (const name of placeholders) if (!used.has(name)) report(node, `${path} lacks the placeholder {${name}}.`);
  for (const name of used)
    if (!placeholders.includes(name)) report(node, `${path} has the unknown placeholder {${name}}.`);
  if (path === 'dir' && text !== 'ltr' && text !== 'rtl') report(node, 'dir must be ltr or rtl.');
  if (path === 'locale' && !isLocale(text)) report(node, `locale must be a BCP 47 tag, such as pt-BR, not ${text}.`);
  if (placeholders.length === 0) return text;
  return (values: Record<string, string>) => text.replace(/\{(\w+)\}/g, (_, name: string) => fill(values[name] ?? ''));
}

function isLocale(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false; // not a well-formed tag
  }
}
