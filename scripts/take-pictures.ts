/** `npm run pictures`: the pictures of the README, taken of a real report on a real stack. */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import chromium from '@sparticuz/chromium';
import puppeteer, { type Page } from 'puppeteer-core';
import { workflowIdOf } from '../src/contract/ids.js';
import { post } from '../test/stack/http.js';
import { plainMail } from '../test/stack/incoming-mails.js';
import { linkIn } from '../test/stack/mail.js';
import { Stack } from '../test/stack/stack.js';
import { until } from '../test/stack/waiting.js';

const folder = resolve('docs/pictures');
await mkdir(folder, { recursive: true });
const stack = await Stack.start();
const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  args: chromium.args,
  headless: 'shell',
});

async function take(name: string, url: string, width: number, scheme = 'light', ready = 'body'): Promise<void> {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 700, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForSelector(ready);
  await settled(page);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await page.close();
}

/** Answers of a few customers, for the dashboard to show. */
async function answers(): Promise<void> {
  for (const [index, score] of [5, 4, 5, 2, 4, 5, 3, 5].entries()) {
    const mail = await stack.ask(`PR-${index}`, { ticketType: index % 2 ? 'internet' : 'telephony' });
    await post(linkIn(mail), {
      score: `${score}`,
      'ask-reasons': 'slow',
      comment: score > 4 ? 'quick and friendly' : '',
    });
  }
}

/** What operators and customers do to a few more reports. */
async function work(): Promise<void> {
  await stack.open('PR-101', { description: 'Branch 7 has no internet since this morning', customerId: 'C-9' });
  await stack.client.operate('hold', 'PR-101', { by: 'eve', note: 'wait for the field engineer' });
  await stack.client.clear('PR-101', { by: 'noc' });
  await stack.open('PR-102', { description: 'Calls drop after a minute', customerId: 'C-12' });
  const reply = 'It was repaired, but nobody told me for three days.';
  const mail = (await stack.mails('PR-3'))[0];
  if (!mail?.messageId) throw new Error('no mail');
  const from = 'Ann PR-3 <pr-3@customers.example>';
  await stack.inbound(plainMail({ answers: mail.messageId, text: reply, from }));
  await stack.closeout('reply', 'PR-3', '--by', 'eve', '--text', 'We are sorry. From now on, we call on the same day.');
  await stack.untilHeld('PR-101');
}

/** A page that draws itself by script is done when it stays the same for a while. */
async function settled(page: Page): Promise<void> {
  let last = '';
  await until('the page to settle', async () => {
    const now = await page.content();
    const same = now === last;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return same;
  });
}

try {
  const id = await stack.open('DEMO-1', {
    description: 'No dial tone',
    customerId: 'C-1',
    contact: { name: 'Ann', emailAddress: 'ann@customers.example' },
  });
  await stack.client.clear(id, { by: 'noc' });
  await stack.untilSurvey(id, 'sent');
  const [mail] = await stack.untilMails(id, 1);
  if (!mail) throw new Error('no mail');
  const link = linkIn(mail);
  const { mails } = (await (await fetch(stack.url('/outbox'), { headers: { accept: 'application/json' } })).json()) as {
    mails: { id: string }[];
  };
  const ui = `http://127.0.0.1:${stack.env['CLOSEOUT_TEMPORAL_UI_PORT']}/namespaces/default/workflows/${encodeURIComponent(workflowIdOf(id))}`;
  const { runId } = await stack.temporal.workflow.getHandle(workflowIdOf(id)).describe();
  await take('run', `${ui}/${runId}/history`, 1280);
  await take('run-details', `${ui}/${runId}/user-metadata`, 1280);
  await take('mail', stack.url(`/outbox/${mails[0]?.id}/html`), 640);
  await answers();
  await work();
  await take('desk', stack.url('/?still'), 1280);
  await take('report', stack.url('/reports/PR-3'), 1280);

  await take('confirm', stack.url('/outbox/preview/page/confirm/en'), 640);
  await take('page-arabic', stack.url('/outbox/preview/page/dissatisfied/ar'), 640);
  for (const [width, scheme] of [
    [1280, 'light'],
    [320, 'dark'],
  ] as const)
    await take(`page-${width}-${scheme}`, link, width, scheme);
} finally {
  await browser.close();
  await stack.end();
}
