import MailComposer from 'nodemailer/lib/mail-composer/index.js';
import { simpleParser } from 'mailparser';
import { builtInBrand } from '../../src/customer/brand.js';
import { surveyMail, type SurveyMail } from '../../src/customer/mail.js';
import { languageCodes, textsOf } from '../../src/customer/texts.js';
import { linkKeysFrom } from '../../src/setup/link-keys.js';
import { random } from '../stack/random.js';

const settings = {
  publicUrl: 'https://care.example',
  from: 'Care <care@care.example>',
  replyTo: 'care@care.example',
  bounceTo: 'bounce@care.example',
  linkKeys: linkKeysFrom(`a:${Buffer.alloc(32, 1).toString('base64')}`),
};
const brand = builtInBrand(settings);
const given: SurveyMail = {
  kind: 'survey',
  surveyId: '0b3k9v2m1q7r5t8a4c6d',
  report: { id: 'PR-1', description: 'No <dial> tone & noise', clearedAt: '2026-03-29T00:30:00.000Z' },
  contact: { name: 'Änn Ö. <b>', emailAddress: 'ann@customers.example', timeZone: 'Europe/Berlin' },
  earlier: [],
  date: new Date('2026-03-29T00:31:00Z'),
  expiresAt: new Date('2026-04-12T00:31:00Z'),
};
const bytes = async (mail: SurveyMail) => {
  const built = surveyMail(mail, settings, brand);
  return new MailComposer(built).compile().build();
};
const parsed = async (mail: SurveyMail) => simpleParser(await bytes(mail));

test('the same survey is the same mail, byte for byte', async () => {
  expect((await bytes(given)).equals(await bytes(structuredClone(given)))).toBe(true);
});

test('the reminder is another mail that threads under the first', async () => {
  const [first, reminder] = [await parsed(given), await parsed({ ...given, kind: 'reminder' })];
  expect(reminder.messageId).not.toBe(first.messageId);
  expect([reminder.inReplyTo, reminder.references]).toEqual([first.messageId, first.messageId]);
});

test('text and HTML part hold the same links and facts', async () => {
  const { text = '', html } = await parsed(given);
  const links = (part: string) => [...new Set(part.match(/https:\/\/care\.example\/[^\s"<]+/g))].sort();
  expect(links(text)).toHaveLength(7);
  expect(links(String(html).replaceAll('&amp;', '&'))).toEqual(links(text));
  // The clocks in Berlin had just gone from 01:59 to 03:00 an hour after this.
  for (const fact of ['PR-1', '29 March 2026', '01:30', '12 April 2026', '02:31', 'Europe/Berlin']) {
    expect(text).toContain(fact);
    expect(html).toContain(fact);
  }
});

test('what customers and services wrote is text, never markup', async () => {
  const { html, text } = await parsed(given);
  expect(html).toContain('No &lt;dial&gt; tone &amp; noise');
  expect(text).toContain('No <dial> tone & noise');
  expect(html).not.toContain('<b>');
});

test('a name cannot carry a header, a line or a second recipient', async () => {
  const name = 'Eve\r\nBcc: mallory@evil.example\r\n\r\nbody, mallory@evil.example';
  const source = (await bytes({ ...given, contact: { ...given.contact, name } })).toString();
  const { to, headers } = await simpleParser(source);
  expect(headers.has('bcc')).toBe(false);
  expect(Array.isArray(to) ? to : to?.value).toMatchObject([{ address: 'ann@customers.example' }]);
});

test('no link holds an address, a name or the number of the report', async () => {
  const { text = '' } = await parsed(given);
  for (const link of text.match(/https:\S+/g) ?? []) expect(link).not.toMatch(/ann|PR-1|customers/i);
});

test.each(['Mars/Olympus', undefined])(
  'in the unknown zone %p times are shown in UTC and labelled UTC',
  async (timeZone) => {
    const { text } = await parsed({ ...given, contact: { ...given.contact, timeZone } });
    expect(text).toContain('00:30 (UTC)');
  },
);

test('every mail has automatic-mail, bounce and unsubscribe headers', async () => {
  for (const kind of ['survey', 'reminder'] as const) {
    const built = surveyMail({ ...given, kind }, settings, brand);
    expect(built.envelope).toEqual({ from: `bounce+${given.surveyId}@care.example`, to: 'ann@customers.example' });
    expect(built.dsn).toMatchObject({ id: given.surveyId, notify: ['failure', 'delay'] });
    const { headers, replyTo } = await parsed({ ...given, kind });
    expect(headers.get('auto-submitted')).toBe('auto-generated');
    expect(headers.get('x-auto-response-suppress')).toBe('All');
    expect(replyTo?.text).toBe('care@care.example');
    const list = headers.get('list') as { unsubscribe?: { url: string }; 'unsubscribe-post'?: { name: string } };
    expect(list.unsubscribe?.url).toMatch(/^https:\/\/care\.example\/u\//);
    expect(list['unsubscribe-post']?.name).toBe('List-Unsubscribe=One-Click');
  }
});

test.each(['Acme: Care', 'O"Neil', 'Acme (Care)', 'Acme, Inc.'])('the sender may be called %s', async (name) => {
  const from = `${name} <care@care.example>`;
  const sender = builtInBrand({ ...settings, from });
  const mail = await simpleParser(await new MailComposer(surveyMail(given, settings, sender)).compile().build());
  expect(mail.from?.value).toEqual([{ name, address: 'care@care.example' }]);
});

test('a later cycle’s mail threads under the earlier ones', async () => {
  const { inReplyTo, references } = await parsed({
    ...given,
    earlier: ['first-survey-id1', 'second-survey-i2'].map((id) => ({ id, confirmFor: null })),
  });
  expect(references).toEqual(['<survey.first-survey-id1.1@care.example>', '<survey.second-survey-i2.1@care.example>']);
  expect(inReplyTo).toBe('<survey.second-survey-i2.1@care.example>');
});

describe.each(languageCodes)('in %s', (preferredLanguage) => {
  test.each(['survey', 'reminder'] as const)('the %s says the same in both parts, in its language', async (kind) => {
    const {
      text = '',
      html,
      subject,
    } = await parsed({
      ...given,
      kind,
      contact: { ...given.contact, preferredLanguage },
    });
    const { mail, scales, dir } = textsOf(preferredLanguage);
    expect(subject).toBe(kind === 'survey' ? mail.subject({ report: 'PR-1' }) : mail.reminder({ report: 'PR-1' }));
    expect(html).toContain(`<html lang="${preferredLanguage}" dir="${dir}">`);
    for (const words of [
      scales.satisfaction.question,
      ...Object.values(scales.satisfaction.words),
      mail.notSolved,
      mail.why,
      mail.optOut,
    ]) {
      expect(text).toContain(words);
      expect(html).toContain(words);
    }
    expect(text).not.toMatch(/undefined|\[object/);
  });
});

test('hostile names, words and addresses never make a second recipient or a header', async () => {
  const bits = [
    '\r\n',
    ',',
    ';',
    '<',
    '>',
    '"',
    "'",
    '@',
    ' ',
    'Bcc: x@evil.example',
    '\u202e',
    '\0',
    '=?utf-8?q?x?=',
    'Å',
    '💥',
    '\\',
  ];
  const next = random(7);
  for (let time = 0; time < 300; time++) {
    const hostile = Array.from({ length: 8 }, () => bits[Math.floor(next() * bits.length)]).join('');
    const source = await bytes({
      ...given,
      report: { ...given.report, description: hostile },
      contact: { ...given.contact, name: hostile },
    });
    const { to, headers, subject } = await simpleParser(source);
    expect([to].flat()[0]?.value.map(({ address }) => address)).toEqual(['ann@customers.example']);
    expect(headers.has('bcc')).toBe(false);
    expect(subject).toBe('Is your problem solved? Report PR-1');
  }
});
