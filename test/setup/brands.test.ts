import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { builtInBrand, contrast } from '../../src/customer/brand.js';
import { inWords, loadBrands, readBrands } from '../../src/setup/brands.js';
import { loadPolicy } from '../../src/setup/policy-file.js';

const builtIn = builtInBrand({
  from: 'Care <care@closeout.example>',
  replyTo: 'care@closeout.example',
  publicUrl: 'http://care.example',
});

/** A folder of brands, by path and content. */
function folder(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'closeout-brands-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}
const faultsOf = (files: Record<string, string>) => {
  const root = folder(files);
  return readBrands(root, builtIn).faults.map((fault) => inWords(fault).replace(`${root}/`, ''));
};
const small = 'name: Acme\nfooter: [Acme Ltd]\n';

test('the example has no fault, and what it leaves out is built in', () => {
  const { brands, faults } = readBrands('examples/brands', builtIn);
  expect(faults).toEqual([]);
  const [acme] = brands;
  expect(acme).toMatchObject({
    id: 'acme',
    name: 'Acme Telecom',
    contact: 'https://acme.example/support',
    logo: { type: 'image/svg+xml' },
  });
  expect(acme?.sender).toEqual({
    from: 'Acme Customer Care <care@acme.example>',
    replyTo: 'care@acme.example',
    publicUrl: 'http://care.example',
  });
  expect(acme?.texts.get('en')?.scales.satisfaction.question).toBe('How did we do?');
  expect(acme?.texts.get('en')?.mail.why).toContain('because you reported this problem');
});

test.each<[string, Record<string, string>, string]>([
  ['no footer', { 'a/brand.yaml': 'name: A\n' }, 'a/brand.yaml, line 1: footer'],
  [
    'an unknown setting',
    { 'a/brand.yaml': `${small}colour: red\n` },
    'a/brand.yaml, line 3: colour is not a setting of a brand.',
  ],
  [
    'a publicUrl that no customer reaches',
    { 'a/brand.yaml': `${small}publicUrl: http://localhost:8080\n` },
    'a/brand.yaml, line 3: publicUrl must be an address at which customers reach the gateway',
  ],
  [
    'the sender of the examples',
    { 'a/brand.yaml': `${small}from: care@closeout.example\n` },
    'a/brand.yaml, line 3: from must be an address of yours',
  ],
  [
    'a colour that is too light',
    { 'a/brand.yaml': `${small}colours:\n  accent: '#7fd9ae'\n  accentDark: '#7fd9ae'\n` },
    'a/brand.yaml, line 4: colours.accent has a contrast of 1.7:1',
  ],
  [
    'a colour that is too dark at night',
    { 'a/brand.yaml': `${small}colours:\n  accent: '#0b5d3b'\n  accentDark: '#0b5d3b'\n` },
    'a/brand.yaml, line 5: colours.accentDark has a contrast of',
  ],
  [
    'no mail address',
    { 'a/brand.yaml': `${small}from: nobody\n` },
    'a/brand.yaml, line 3: from must be a mail address',
  ],
  [
    'two lines in a header',
    { 'a/brand.yaml': `${small}from: "A <a@b.example>\\nBcc: x@y.example"\n` },
    'a/brand.yaml, line 3: from must be',
  ],
  [
    'a script for a contact',
    { 'a/brand.yaml': `${small}contact: "javascript:alert(1)"\n` },
    'a/brand.yaml, line 3: contact must begin with',
  ],
  ['a logo that is not there', { 'a/brand.yaml': `${small}logo: logo.svg\n` }, 'logo.svg does not exist.'],
  ['broken YAML', { 'a/brand.yaml': 'name: [A\n' }, 'a/brand.yaml, line'],
  ['no brand.yaml', { 'a/texts.en.yaml': 'mail: {}\n' }, 'a/brand.yaml, line 1: There is no such file.'],
  [
    'a language that we have not',
    { 'a/brand.yaml': small, 'a/texts.xx.yaml': '{}\n' },
    'a/texts.xx.yaml, line 1: There is no language xx',
  ],
  [
    'a lost placeholder',
    { 'a/brand.yaml': small, 'a/texts.de.yaml': 'mail:\n  why: x\n  closed: Fertig\n' },
    'a/texts.de.yaml, line 3: mail.closed lacks the placeholder {report}.',
  ],
  [
    'what belongs to the language',
    { 'a/brand.yaml': small, 'a/texts.en.yaml': 'locale: de\n' },
    'a/texts.en.yaml, line 1: locale belongs to the language, not to a brand.',
  ],
  [
    'an address with a path',
    { 'a/brand.yaml': `${small}publicUrl: https://care.example/x\n` },
    'a/brand.yaml, line 3: publicUrl must be an address without a path',
  ],
  ['no name', { 'a/brand.yaml': 'footer: [A]\n' }, 'a/brand.yaml, line 1: name is missing.'],
  [
    'a mail without a way to opt out',
    { 'a/brand.yaml': small, 'a/texts.en.yaml': 'mail:\n  optOut: ""\n' },
    'a/texts.en.yaml, line 2: mail.optOut must be text.',
  ],
  ['a folder with another name', { 'Acme Ltd/brand.yaml': small }, 'The folder must be named with lower-case letters'],
])('%s is found, with file and line', (_, files, fault) => {
  expect(faultsOf(files)).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
});

test('a folder that is not there, and a rule for a brand that is not, are refused at start', () => {
  const settings = { mail: {}, http: { publicUrl: '' } };
  const load = (brandsDir: string) => () =>
    loadBrands({ ...settings, mail: { from: 'a@b.example', replyTo: 'a@b.example' }, brandsDir } as never);
  expect(load('/nowhere')).toThrow('CLOSEOUT_BRANDS /nowhere, line 1: There is no such folder.');
  const policy = join(
    folder({ 'policy.yaml': 'rules:\n  - when: { severity: critical }\n    brand: acne\n' }),
    'policy.yaml',
  );
  expect(() => loadPolicy(policy, ['acme'])).toThrow('line 3: rule 1: brand acne does not exist; there are acme');
  expect(loadPolicy(policy)({ ticketType: 'x', severity: 'critical' }).brand).toBe('acne'); // without a folder to compare with
});

test('a folder that begins with a dot is no brand', () => {
  expect(readBrands(folder({ 'a/brand.yaml': small, '..data/x.yaml': '' }), builtIn)).toMatchObject({
    brands: [{ id: 'a' }],
    faults: [],
  });
});

test('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  expect(contrast('#ffffff', '#ffffff')).toBe(1);
});
