import { readFileSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { post, untilServed } from '../stack/http.js';
import { plainMail } from '../stack/incoming-mails.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = `
rules:
  - when: { ticketType: brief }
    survey: { expiresAfter: 4s, reminderAfter: null }
  - when: { ticketType: reminded }
    survey: { expiresAfter: 1h, reminderAfter: 2s }
  - when: { ticketType: reminded-later }
    survey: { expiresAfter: 1h, reminderAfter: 20s }
`;
let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  browser = await puppeteer.connect({ browserWSEndpoint: process.env['TEST_BROWSER'] ?? '' });
  stack = await Stack.start({ policy });
});
afterAll(async () => {
  await browser.disconnect();
  await stack.end();
});

/** A closed report whose customer was asked; the link in the mail. */
const asked = async (id: string, ticketType = 'fault'): Promise<string> => linkIn(await stack.ask(id, { ticketType }));

const answerOf = async (id: string) => {
  const survey = await stack.client.surveys.ofCycle(id, 1);
  return survey && stack.client.surveys.answerOf(survey.id);
};

async function openPage(link: string, { script = false, width = 1280 } = {}): Promise<Page> {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: 900 });
  await page.goto(link);
  return page;
}

test('one tap in the mail, one press on the page, no script: the answer is stored', async () => {
  const link = await asked('TAP-1');
  const page = await openPage(link);
  expect(
    await page.$$eval('input:checked', (inputs) =>
      inputs.map((input) => (input as unknown as { value: string }).value),
    ),
  ).toEqual(['4']);
  await Promise.all([page.waitForNavigation(), page.click('button')]);
  expect(page.url()).toMatch(/\/thanks\?lang=en$/);
  expect(await page.$eval('main', (main) => main.textContent)).toContain('4 – satisfied');
  await page.close();
  expect(await answerOf('TAP-1')).toMatchObject({ score: 4, comment: null });
  expect(await stack.untilPhase('TAP-1', 'done')).toMatchObject({ survey: { state: 'answered' } });
});

test('the keyboard alone is enough', async () => {
  const link = await asked('KEYS-1');
  const page = await openPage(link.replace(/\?.*/, ''));
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  for (let step = 0; step < 6; step++) await page.keyboard.press('Tab'); // the other reasons, solved or not
  await page.keyboard.type('quick and friendly');
  await page.keyboard.press('Tab');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await page.close();
  expect(await answerOf('KEYS-1')).toMatchObject({
    score: 2,
    followUps: { reasons: ['slow'] },
    comment: 'quick and friendly',
  });
});

test('GET and HEAD record nothing: 20 times every link, by GET and HEAD', async () => {
  const link = await asked('SCAN-1');
  const [mail] = await stack.mails('SCAN-1');
  const links = mail?.text?.match(/http:\S+\/[su]\/\S+/g) ?? [];
  expect(links).toHaveLength(7);
  for (let time = 0; time < 20; time++) {
    const answers = await Promise.all(links.map((url) => fetch(url, { method: time % 2 ? 'HEAD' : 'GET' })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  }
  expect(await answerOf('SCAN-1')).toBeUndefined();
  expect((await post(link, { score: '5' })).status).toBe(303);
});

test('ten presses at once are one answer, and each sees the thanks', async () => {
  const link = await asked('MANY-1');
  const press = () => untilServed(() => post(link, { score: '5', comment: 'yes' }));
  const answers = await Promise.all(Array.from({ length: 10 }, press));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(303));
  expect(await answerOf('MANY-1')).toMatchObject({ score: 5, comment: 'yes' });
});

test('an answer that is changed again and again is taken twenty times', async () => {
  const link = await asked('FLIP-1');
  const statuses: number[] = [];
  for (let n = 0; n < 21; n++) statuses.push((await post(link, { score: n % 2 === 0 ? '5' : '4' })).status);
  expect([new Set(statuses.slice(0, 20)), statuses[20]]).toEqual([new Set([303]), 409]);
  expect(await answerOf('FLIP-1')).toMatchObject({ score: 4, revision: 20 });
});

test('a link with any character changed is unknown, and holds nothing of customer or report', async () => {
  const link = (await asked('FORGE-1')).replace(/\?.*/, '');
  const [base, token = ''] = link.split('/s/');
  const forged = Array.from(
    token,
    (character, at) => `${token.slice(0, at)}${character === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`,
  );
  const answers = await Promise.all(
    [...forged, 'x', 'a.b.c', '%00', 'a/b'].map((other) => fetch(`${base}/s/${other}`)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  expect(new Set(bodies).size).toBe(1);
  expect(token).not.toMatch(/FORGE|customer/i);
});

test('after the deadline nothing is stored, the page says so, and the run ends expired', async () => {
  const link = await asked('BRIEF-1', 'brief');
  await stack.untilSurvey('BRIEF-1', 'expired');
  const answer = await post(link, { score: '1' });
  expect(answer.status).toBe(410);
  expect(await answer.text()).toContain('This survey has ended');
  expect(await answerOf('BRIEF-1')).toBeUndefined();
  expect(await stack.mails('BRIEF-1')).toHaveLength(1);
});

test('one reminder at most, in the thread of the survey, and none after the answer', async () => {
  const link = await asked('REMIND-1', 'reminded');
  const [first, second] = await stack.untilMails('REMIND-1', 2);
  expect(second?.subject).toBe('Reminder: Is your problem solved? Report REMIND-1');
  expect(second?.inReplyTo).toBe(first?.messageId);
  expect(second?.messageId).not.toBe(first?.messageId);
  const early = await asked('REMIND-2', 'reminded-later');
  await post(early, { score: '5' });
  await post(link, { score: '5' });
  await stack.untilPhase('REMIND-2', 'done');
  await stack.untilPhase('REMIND-1', 'done');
  expect(await stack.mails('REMIND-2')).toHaveLength(1);
  expect(await stack.mails('REMIND-1')).toHaveLength(2);
});

test('no reminder to a customer who opted out or wrote back, nor after a reopening', async () => {
  const mail = await stack.ask('REMIND-3', { ticketType: 'reminded-later' });
  const optOut = /(http\S+\/u\/\S+)/.exec(mail.text ?? '')?.[1] ?? '';
  await fetch(optOut, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) });
  const answered = await stack.ask('REMIND-5', { ticketType: 'reminded-later' });
  await stack.inbound(plainMail({ answers: answered.messageId ?? '', text: 'It works, thank you.' }));
  await stack.ask('REMIND-4', { ticketType: 'reminded-later' });
  await stack.client.reopen('REMIND-4');
  await stack.untilPhase('REMIND-4', 'open', 2);
  const tries = async (id: string) => JSON.stringify(await stack.history(id)).split('core_local_activity').length - 1;
  for (const id of ['REMIND-3', 'REMIND-5']) {
    await until('the closing, the mail and the reminder to be tried', async () => (await tries(id)) === 3);
    await stack.untilStatus(id, 'waiting for its end', ({ until: end }) => end !== undefined);
    // The sweep expects nothing of it before the survey ends.
    const later = `select id from reports where id = $1 and expected_at > now() + interval '30 minutes'`;
    expect(await stack.sql(later, [id])).toHaveLength(1);
  }
  for (const id of ['REMIND-3', 'REMIND-4', 'REMIND-5']) expect(await stack.mails(id)).toHaveLength(1);
});

test('"not solved" reopens the report; the old link says so; clearing again asks again', async () => {
  const link = await asked('UNSOLVED-1');
  const page = await openPage(link.replace(/\?.*/, '?solved=no'));
  await Promise.all([page.waitForNavigation(), page.click('button')]);
  expect(await page.$eval('main', (main) => main.textContent)).toContain('is open again');
  await page.close();
  await stack.untilPhase('UNSOLVED-1', 'open', 2);
  expect((await stack.client.get('UNSOLVED-1')).status).toBe('inProgress');
  await stack.client.clear('UNSOLVED-1');
  await stack.untilMails('UNSOLVED-1', 2);
  expect(await stack.client.get('UNSOLVED-1')).toMatchObject({ cycle: 2 });
});

test('the link of a report that was reopened otherwise says that it was replaced', async () => {
  const link = await asked('SUPER-1');
  await stack.client.reopen('SUPER-1');
  await stack.untilPhase('SUPER-1', 'open', 2);
  const answer = await post(link, { score: '5' });
  expect(answer.status).toBe(410);
  expect(await answer.text()).toContain('This survey was replaced');
});

test('a low score alerts an operator once, with score, comment and report; a high one does not', async () => {
  await post(await asked('LOW-1'), { score: '1', comment: 'three days without a line' });
  const alert = await until('the alert', async () => (await stack.alerts('LOW-1'))[0]);
  expect(alert.subject).toBe('Score 1 of 5: report LOW-1');
  expect(alert.text).toContain('three days without a line');
  await post(await asked('HIGH-1'), { score: '5' });
  await stack.untilPhase('HIGH-1', 'done');
  const workflowOf = (id: string) => stack.temporal.workflow.getHandle(`alert:answer:${id}:1:1`).describe();
  await expect(workflowOf('HIGH-1')).rejects.toThrow('not found');
  expect((await workflowOf('LOW-1')).type).toBe('alertOperator');
  expect(await stack.alerts('LOW-1')).toHaveLength(1);
});

test('a customer who opts out, on the page or by one click, is not asked again', async () => {
  await asked('OPT-1');
  const [mail] = await stack.mails('OPT-1');
  const link = /<(http[^>]+)>/.exec(mail?.raw.split('List-Unsubscribe:')[1] ?? '')?.[1] ?? '';
  expect(mail?.raw).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
  const answer = await fetch(link, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) });
  expect(answer.status).toBe(200);
  await stack.client.reopen('OPT-1');
  await stack.untilPhase('OPT-1', 'open', 2);
  await stack.client.clear('OPT-1');
  expect(await stack.untilPhase('OPT-1', 'done')).toMatchObject({ survey: { state: 'skipped', reason: 'optedOut' } });
});

test('bad forms are answered with a message and store nothing', async () => {
  const link = await asked('FORM-1');
  const empty = await post(link, {});
  expect(empty.status).toBe(422);
  expect(await empty.text()).toContain('Please choose one of the answers.');
  const long = await post(link, { score: '3', comment: '😀'.repeat(2001) });
  expect(await long.text()).toContain('it has 2001 characters, and the limit is 2000');
  expect((await post(link, { score: '6' })).status).toBe(400);
  expect((await post(link, { score: '5' }, { origin: 'https://evil.example' })).status).toBe(403);
  expect(
    (
      await fetch(link.replace(/\?.*/, ''), {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      })
    ).status,
  ).toBe(415);
  const huge = await post(link, { score: '5', comment: 'x'.repeat(60_000) }, { 'accept-language': 'de' });
  expect([huge.status, await huge.text()]).toEqual([413, expect.stringContaining('Ihr Text ist zu lang.')]);
  expect((await fetch(link, { method: 'PUT' })).status).toBe(405);
  expect(await answerOf('FORM-1')).toBeUndefined();
});

test('a link is in no other request: browsers send only the host as the referrer', async () => {
  const page = await browser.newPage();
  const referrers: (string | undefined)[] = [];
  page.on('request', (request) => void referrers.push(request.headers()['referer']));
  await page.goto(await asked('REFERRER-1'));
  await page.close();
  expect(referrers.length).toBeGreaterThan(1);
  expect(new Set(referrers)).toEqual(new Set([undefined, `${stack.url('')}/`]));
});

test('what a customer writes is shown as text', async () => {
  await stack.open('XSS-1', { description: '<script>alert(1)</script><b>line</b>' });
  await stack.client.clear('XSS-1');
  const [mail] = await stack.untilMails('XSS-1', 1);
  expect(mail?.html).not.toContain('<script>alert');
  const answer = await fetch(linkIn(mail ?? (undefined as never)));
  expect(await answer.text()).not.toContain('<script>');
  const csp = answer.headers.get('content-security-policy');
  expect(csp).toContain("default-src 'none'");
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});

test.each([320, 1280])('axe-core finds nothing at %i px, and nothing is cut off', async (width) => {
  const link = await asked(`AXE-${width}`);
  const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  for (const scheme of ['light', 'dark']) {
    const page = await openPage(link, { script: true, width });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.evaluate(axe);
    const violations = await page.evaluate(`axe.run().then(({ violations }) => violations.map(({ id }) => id))`);
    expect(violations).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.close();
  }
});

test('the outbox shows every mail, its parts and its source', async () => {
  await asked('BOX-1');
  const list = (await (await fetch(stack.url('/outbox'), { headers: { accept: 'application/json' } })).json()) as {
    mails: { id: string; subject: string }[];
  };
  const mail = list.mails.find(({ subject }) => subject.endsWith('BOX-1'));
  const page = await openPage(stack.url(`/outbox/${mail?.id}`));
  expect(await page.$eval('main', (main) => main.textContent)).toContain('Message-ID: <survey.');
  const frame = await until('the HTML part', () =>
    page.frames().find((candidate) => candidate.url().endsWith('/html')),
  );
  expect(await frame.content()).toContain('My problem is not solved');
  await page.close();
});
