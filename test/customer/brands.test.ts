/** Three brands, a thousand mixed mails and every page: none carries another brand's words, sender or links. */
import { Brands, builtInBrand, voiceOf, type Brand } from '../../src/customer/brand.js';
import { linkKeysFrom } from '../../src/setup/link-keys.js';
import { surveyMail } from '../../src/customer/mail.js';
import { endedPage, surveyPage, thanksPage } from '../../src/customer/pages.js';
import { replyMail } from '../../src/customer/reply-mail.js';
import { languageCodes, textsOf } from '../../src/customer/texts.js';
import { questionNamed } from '../../src/policy/questions.js';
import { random } from '../stack/random.js';

const settings = {
  publicUrl: 'https://care.example',
  from: 'Care <care@care.example>',
  replyTo: 'care@care.example',
  bounceTo: 'bounce@care.example',
  linkKeys: linkKeysFrom(`a:${Buffer.alloc(32, 1).toString('base64')}`),
};
const builtIn = builtInBrand(settings);

function brand(id: string): Brand {
  const domain = `${id}.example`;
  return {
    id,
    name: `${id} telecom`,
    footer: [`${id} imprint`],
    contact: `https://${domain}/help`,
    colours: { accent: '#0b5d3b', accentDark: '#7fd9ae' },
    sender: { from: `${id} <care@${domain}>`, replyTo: `reply@${domain}`, publicUrl: `https://pages.${domain}` },
    texts: new Map(
      languageCodes.map((code) => {
        const texts = textsOf(code);
        const { satisfaction } = texts.scales;
        const asked = { ...satisfaction, question: `${id} asks: ${satisfaction.question}` };
        return [code, { ...texts, scales: { ...texts.scales, satisfaction: asked } }];
      }),
    ),
  };
}
const names = ['quokka', 'wombat', 'numbat'];
const brands = new Brands(builtIn, new Map(names.map((id) => [id, brand(id)])));

test('in 1,000 random mails, none shows another brand', () => {
  const next = random(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const date = new Date('2026-11-02T09:30:00Z');
  for (let count = 0; count < 1000; count++) {
    const id = pick(names);
    const contact = { name: 'Ann', emailAddress: 'ann@customers.example', preferredLanguage: pick(languageCodes) };
    const report = { id: `PR-${count}`, description: 'No dial tone', clearedAt: date.toISOString() };
    const surveyId = '0b3k9v2m1q7r5t8a4c6d';
    const kind = pick(['survey', 'reminder', 'confirm', 'warning', 'reply'] as const);
    const mail =
      kind === 'reply'
        ? replyMail(
            {
              storedMessageId: 'x',
              date,
              survey: { id: surveyId, confirmFor: null },
              inReplyTo: undefined,
              report,
              contact,
              text: 'Soon.',
            },
            settings,
            brands.of(id),
          )
        : surveyMail({ kind, surveyId, report, contact, earlier: [], date, expiresAt: date }, settings, brands.of(id));
    const all = JSON.stringify(mail);
    expect(mail.from).toEqual({ name: id, address: `care@${id}.example` });
    expect(mail.replyTo).toEqual({ name: '', address: `reply@${id}.example` });
    expect(mail.messageId).toContain(`@${id}.example>`);
    expect(all).toContain(`${id} imprint`);
    for (const other of names.filter((name) => name !== id)) expect(all).not.toContain(other);
    expect(all.replaceAll('bounce', '')).not.toMatch(/https?:\/\/care\.example|[^+]care@care\.example/);
    for (const link of mail.text.match(/https?:\S+/g) ?? []) expect(link).toContain(`${id}.example/`);
  }
});

test('pages have the name, the colours, the footer and the way to reach the company; text is never markup', () => {
  const hostile = { ...brand('quokka'), name: '<b>Q&A</b>', footer: ['"><script>1</script>'] };
  for (const code of languageCodes) {
    const voice = voiceOf(hostile, [code]);
    const report = { id: 'PR-1', description: 'x' };
    const asked = questionNamed('satisfaction', undefined);
    const view = {
      report,
      asked,
      answer: {},
      error: undefined,
      changeableUntil: undefined,
      confirmation: null,
      until: null,
      timeZone: 'UTC',
      path: '/s/x',
    };
    for (const page of [
      surveyPage(voice, view),
      endedPage(voice, 'expired', report, { path: '/s/x' }),
      thanksPage(voice, {
        reportId: 'PR-1',
        asked,
        score: 4,
        isReopened: false,
        followUp: undefined,
        changeLink: undefined,
      }),
    ]) {
      expect(page).toContain('&lt;b&gt;Q&amp;A&lt;/b&gt;');
      expect(page).toContain('/assets/brands/quokka/colours.css');
      expect(page).toContain('href="https://quokka.example/help"');
      expect(page).not.toMatch(/<script|<b>Q/);
    }
  }
});

test('a brand that is no longer there is the built-in one, which names no company and can be reached by mail', () => {
  expect(brands.of('removed')).toBe(builtIn);
  expect(brands.of(null)).toBe(builtIn);
  expect(builtIn.contact).toBe('mailto:care@care.example');
});
