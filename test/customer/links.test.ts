import { CloseoutError } from '../../src/contract/errors.js';
import { signLink, verifyLink } from '../../src/customer/links.js';
import { linkKeysFrom } from '../../src/setup/link-keys.js';

const key = (id: string, fill: number) => `${id}:${Buffer.alloc(32, fill).toString('base64')}`;
const keys = linkKeysFrom(key('a', 1));
const id = '0b3k9v2m1q7r5t8a4c6d';
const link = signLink('survey', id, keys);

test('a link leads back to its survey', () => expect(verifyLink('survey', link, keys)).toBe(id));

test('changing any one character, cutting or adding one makes a link worthless', () => {
  const variants = Array.from(link).flatMap((char, at) => {
    const other = char === 'A' ? 'B' : 'A';
    return [other, '', char + char, '.', '=', '/'].map((put) => link.slice(0, at) + put + link.slice(at + 1));
  });
  const passing = variants.filter((variant) => variant !== link && verifyLink('survey', variant, keys) !== undefined);
  expect(passing).toEqual([]);
});

test.each([
  '',
  '.',
  '..',
  '...',
  'a.b',
  `${id}.a.`,
  `${id}..x`,
  `.a.x`,
  `${id}.b.${link.split('.')[2]}`,
  '\u0000',
  '💥.a.💥',
])('the token %p is refused without an error', (token) => expect(verifyLink('survey', token, keys)).toBeUndefined());

test('a link to the survey is none to the opt-out, and the other way round', () => {
  expect(verifyLink('optOut', link, keys)).toBeUndefined();
  expect(verifyLink('survey', signLink('optOut', id, keys), keys)).toBeUndefined();
});

test('after a change of keys the old links still work and new ones carry the new key', () => {
  const rotated = linkKeysFrom(`${key('b', 2)}, ${key('a', 1)}`);
  expect(verifyLink('survey', link, rotated)).toBe(id);
  expect(signLink('survey', id, rotated).split('.')[1]).toBe('b');
  expect(verifyLink('survey', link, linkKeysFrom(key('b', 2)))).toBeUndefined();
  expect(verifyLink('survey', link, linkKeysFrom(key('a', 3)))).toBeUndefined();
});

test.each(['', 'a', 'a:', ':AAAA', 'a:c2hvcnQ=', 'too-long-id:' + Buffer.alloc(32).toString('base64')])(
  'the setting %p is refused with a message',
  (setting) => expect(() => linkKeysFrom(setting)).toThrow(CloseoutError),
);
