import { emailAddressPattern } from '../../src/contract/contact.js';

test.each([
  'ann@customers.example',
  "o'neil+x@a-b.example",
  'änne@münchen.example',
  'a.b@localhost',
  'x@xn--mnchen-3ya.example',
])('%p is one address', (address) => expect(emailAddressPattern.test(address)).toBe(true));

test.each([
  '',
  'a',
  '@x.example',
  'a@',
  'a@b@c',
  'a@b, c@d',
  'a b@c.example',
  'a@x..example',
  '.a@x.example',
  'a..b@x.example',
  'a@-x.example',
  'a@x.example\u200b',
  'a\r\nBcc: x@y.example',
  'a@x.example.',
  '"a@b"@x',
  'a@x;y',
  'a\0@x.example',
  `${'a'.repeat(65)}@x.example`,
])('%p is none', (address) => expect(emailAddressPattern.test(address)).toBe(false));
