import { readFileSync } from 'node:fs';
import puppeteer, { type Browser } from 'puppeteer-core';
import { scaleNames } from '../../src/contract/scale.js';
import { languageCodes } from '../../src/customer/texts.js';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';

/** What people see, in a real browser: every state of the page in every language, both mails, dashboard, outbox. */
const states = [
  'open',
  'dissatisfied',
  'not-solved',
  'incomplete',
  'changeable',
  'thanks',
  'reopened',
  'followed-up',
  'confirm',
  'not-fixed',
  'confirmed',
  'being-closed',
  'not-fixed-stored',
  'closed-in-silence',
  'not-fixed-late',
  'late',
  'withdrawn',
  'cancelled',
  'answered',
  'expired',
  'superseded',
  'opt-out',
  'opted-out',
  'opt-out-undone',
  'not-solved-late',
  'unknown-link',
];
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  browser = await puppeteer.connect({ browserWSEndpoint: process.env['TEST_BROWSER'] ?? '' });
  stack = await Stack.start();
  await post(linkIn(await stack.ask('SEEN-1')), { score: '2', 'ask-reasons': 'slow', comment: '<b>x</b>' });
  await stack.untilPhase('SEEN-1', 'done');
});
afterAll(async () => {
  await browser.disconnect();
  await stack.end();
});

async function faultsOf(path: string, width: number, scheme: 'light' | 'dark'): Promise<string[]> {
  const page = await browser.newPage();
  try {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    // A mail's part is served in a sandbox, where axe could not run.
    const isMail = /\/html(\?|$)/.test(path);
    if (isMail) await page.setContent(await (await fetch(stack.url(path))).text());
    else await page.goto(stack.url(path));
    await page.evaluate(axe);
    const options = `{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'${isMail ? '' : ", 'best-practice'"}], rules: { region: { enabled: false } } }`;
    const found = (await page.evaluate(
      `axe.run(${options}).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
    )) as string[];
    const wide = (await page.evaluate('document.documentElement.scrollWidth')) as number;
    return [...found, ...(wide > width ? [`${wide} px wide`] : [])];
  } finally {
    await page.close();
  }
}

const others = languageCodes.filter((code) => code !== 'en' && code !== 'ar');

test.each([
  ...['en', 'ar'].map((code) => [code, states] as const),
  ...others.map((code) => [code, ['not-solved', 'confirm', 'not-solved-late']] as const),
])('the page in %s is accessible, narrow and wide, light and dark', async (lang, shown) => {
  for (const state of shown) {
    const path = `/outbox/preview/page/${state}/${lang}`;
    expect([path, ...(await faultsOf(path, 320, 'dark'))]).toEqual([path]);
    expect([path, ...(await faultsOf(path, 1280, 'light'))]).toEqual([path]);
  }
});

test('the mails have no accessibility fault', async () => {
  for (const kind of ['survey', 'reminder', 'confirm', 'warning'])
    for (const lang of ['en', 'ar'])
      for (const [width, scheme] of [
        [320, 'dark'],
        [1280, 'light'],
      ] as const) {
        const path = `/outbox/preview/mail/${kind}/${lang}/html`;
        expect([path, ...(await faultsOf(path, width, scheme))]).toEqual([path]);
      }
});

test('the desk, the outbox and the list of previews have no accessibility fault', async () => {
  await stack.open('SEEN-2');
  await stack.client.operate('hold', 'SEEN-2', { by: 'eve', note: 'wait' });
  const desk = ['/', '/reports', '/reports?phase=done', '/reports/SEEN-1', '/reports/SEEN-2'];
  for (const path of [...desk, '/outbox', '/outbox/preview'])
    for (const [width, scheme] of [
      [320, 'dark'],
      [1280, 'light'],
    ] as const)
      expect([path, ...(await faultsOf(path, width, scheme))]).toEqual([path]);
});

test.each(scaleNames.filter((name) => name !== 'satisfaction'))('the question on the scale %s', async (question) => {
  const query = `?question=${question}`;
  for (const [width, scheme, language] of [
    [320, 'dark', 'ar'],
    [1280, 'light', 'de'],
  ] as const)
    for (const path of ['mail/survey', 'page/dissatisfied', 'page/thanks']) {
      const end = path.startsWith('mail') ? '/html' : '';
      const about = `/outbox/preview/${path}/${language}${end}${query}`;
      expect([about, ...(await faultsOf(about, width, scheme))]).toEqual([about]);
    }
});

test('every preview that is listed is there, and the links of a previewed mail open the page', async () => {
  const list = await (await fetch(stack.url('/outbox/preview'))).text();
  const paths = [...list.matchAll(/href="(\/outbox\/preview\/[^"]+)"/g)].map(([, path = '']) =>
    path.replace('&amp;', '&'),
  );
  expect(paths).toHaveLength(languageCodes.length * (4 + states.length));
  for (const path of paths) expect((await fetch(stack.url(path))).status).toBe(200);
  const mail = await (await fetch(stack.url('/outbox/preview/mail/survey/de/html'))).text();
  const [link = ''] = mail.match(/http[^"]+\/page\/open\/de/) ?? [];
  expect(await (await fetch(link)).text()).toContain('Wie zufrieden sind Sie');
});

test('what was not good is asked of the dissatisfied only, without a script', async () => {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(linkIn(await stack.ask('CHIPS-1'), 5));
  const chips = await page.$('.follow-up');
  expect(await chips?.isVisible()).toBe(false);
  await page.click('input[name=score][value="2"]');
  expect(await chips?.isVisible()).toBe(true);
  await page.close();
});
