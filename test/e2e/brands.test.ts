/** A brand from its folder to the customer: mail, pages, previews and the reply of an operator. */
import { resolve } from 'node:path';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = `
rules:
  - when: { ticketType: acme }
    brand: acme
`;
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: { CLOSEOUT_BRANDS: resolve('examples/brands') } });
});
afterAll(() => stack.end());

const pageOf = async (address: string) => (await fetch(address)).text();

test('mail, page and reply are those of the brand that the policy chose; others keep the built-in one', async () => {
  const mail = await stack.ask('ACME-1', { ticketType: 'acme' });
  expect(mail.from?.text).toBe('"Acme Customer Care" <care@acme.example>');
  expect(mail.replyTo?.text).toBe('care@acme.example');
  expect(mail.messageId).toMatch(/@acme\.example>$/);
  for (const words of ['Acme Telecom', 'How did we do?', 'https://acme.example/support', '1 High Street'])
    expect([words, mail.text?.includes(words), mail.html && mail.html.includes(words)]).toEqual([words, true, true]);
  const page = await pageOf(linkIn(mail));
  expect(page).toContain('src="/assets/brands/acme/logo" alt="Acme Telecom"');
  expect(page).toContain('Registered in England, no. 01234567');
  const logo = await fetch(stack.url('/assets/brands/acme/logo'));
  expect([logo.status, logo.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
  expect(logo.headers.get('content-security-policy')).toContain('sandbox');
  expect(await pageOf(stack.url('/assets/brands/acme/colours.css'))).toContain('--accent: #0b5d3b');
  await post(linkIn(mail), { score: '5' });
  await stack.closeout('reply', 'ACME-1', '--text', 'Thank you.');
  const reply = await until('the reply', async () =>
    (await stack.mails('ACME-1')).find(({ subject }) => subject?.startsWith('Re: ')),
  );
  expect([reply.from?.text, reply.inReplyTo]).toEqual(['"Acme Customer Care" <care@acme.example>', mail.messageId]);

  const other = await stack.ask('OTHER-1');
  expect(other.from?.text).not.toContain('Acme');
  expect(`${other.raw}${await pageOf(linkIn(other))}`).not.toMatch(/acme(?!-)/i);
});

test('previews of each brand, and a check of its files by command', async () => {
  const list = await pageOf(stack.url('/outbox/preview?brand=acme'));
  expect(list).toContain('href="/outbox/preview/page/open/de?brand=acme&amp;question=satisfaction"');
  expect(await pageOf(stack.url('/outbox/preview/mail/survey/en/html?brand=acme'))).toContain('How did we do?');
  expect((await fetch(stack.url('/outbox/preview?brand=acne'))).status).toBe(404);
  expect((await stack.closeout('brands', 'check')).stdout).toBe('acme: no problems found.\n');
  const wrong = await stack.closeout('brands', 'check', 'examples', '--json');
  expect([wrong.code, JSON.parse(wrong.stdout)]).toMatchObject([
    1,
    { faults: [{ file: 'examples/brands/brand.yaml', line: 1 }] },
  ]);
});
