import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { languageCodes, languageFor, textsOf } from '../../src/customer/texts.js';
import { readCatalogue } from '../../src/customer/texts/catalogue.js';

const english = readFileSync('src/customer/texts/en.yaml', 'utf8');

/** Reads the English catalogue with a change. */
function faultsOf(change: (text: string) => string) {
  const path = join(mkdtempSync(join(tmpdir(), 'closeout-texts-')), 'xx.yaml');
  writeFileSync(path, change(english));
  return readCatalogue(path).faults;
}
const lineOf = (text: string) => english.slice(0, english.indexOf(text)).split('\n').length;

test('ten languages, English first', () => {
  expect(languageCodes).toEqual(['en', 'ar', 'de', 'es', 'fr', 'he', 'ja', 'pl', 'pt-BR', 'zh-Hans']);
});

test.each(languageCodes)('%s is complete, and its texts take their values', (code) => {
  expect(readCatalogue(`src/customer/texts/${code}.yaml`).faults).toEqual([]);
  const { mail, confirm, page } = textsOf(code);
  expect(mail.subject({ report: 'PR-1' })).toContain('PR-1');
  expect(confirm.closedInSilence({ report: 'PR-1', when: 'noon' })).toMatch(/(?=.*PR-1)(?=.*noon)/);
  expect(page.tooLong({ length: '2001', longest: '2000' })).toMatch(/(?=.*2001)(?=.*2000)/);
});

test('an id without letters keeps its order within a text from right to left', () => {
  expect(textsOf('ar').mail.subject({ report: '2026-0815' })).toContain('\u20682026-0815\u2069');
  expect(textsOf('he').mail.subject({ report: '2026-0815' })).toContain('\u20682026-0815\u2069');
  expect(textsOf('ar').mail.subject({ report: 'PR-1' })).not.toContain('\u2068');
  expect(textsOf('de').mail.subject({ report: '2026-0815' })).not.toContain('\u2068');
});

test('dollar signs and braces in values are not interpreted', () => {
  expect(textsOf('en').mail.helloName({ name: "$& {report} $'" })).toBe("Hello $& {report} $',");
});

test.each<[string, (text: string) => string, string, string]>([
  ['a missing message', (text) => text.replace(/ {2}why: .*\n/, ''), 'subject: Is', 'mail.why is missing.'],
  [
    'a lost placeholder',
    (text) => text.replace('answer until {when}', 'answer until soon'),
    'You can answer until',
    'mail.until lacks the placeholder {when}.',
  ],
  [
    'an unknown placeholder',
    (text) => text.replace('by {when}, we', 'by {whenn}, we'),
    'silence:',
    'confirm.silence has the unknown placeholder {whenn}.',
  ],
  [
    'an unknown message',
    (text) => text.replace('  why:', '  wy: x\n  why:'),
    '  why:',
    'mail.wy is not a known message.',
  ],
  ['an empty text', (text) => text.replace(/ {2}why: .*/, '  why:'), '  why:', 'mail.why must be text.'],
  [
    'a direction that does not exist',
    (text) => text.replace('dir: ltr', 'dir: left'),
    'dir: ltr',
    'dir must be ltr or rtl.',
  ],
  [
    'a locale of another form',
    (text) => text.replace('locale: en-GB', 'locale: en_GB'),
    'locale:',
    'locale must be a BCP 47 tag, such as pt-BR, not en_GB.',
  ],
])('%s is found, with its line', (_, change, near, message) => {
  const found = faultsOf(change).find((fault) => fault.message === message);
  expect(found).toBeDefined();
  expect(Math.abs((found?.line ?? 0) - lineOf(near))).toBeLessThanOrEqual(1);
});

test.each([
  ['de-AT', 'de'],
  ['DE', 'de'],
  ['pt', 'pt-BR'],
  ['pt-PT,en;q=0.5', 'pt-BR'],
  ['zh-CN', 'zh-Hans'],
  ['nl, fr;q=0.8', 'fr'],
  ['en;q=0, pl', 'pl'],
  ['xx', 'en'],
  ['', 'en'],
  ['constructor', 'en'],
  ['../en', 'en'],
])('%s is answered in %s', (preference, code) => {
  expect(languageFor([preference])).toBe(code);
});
