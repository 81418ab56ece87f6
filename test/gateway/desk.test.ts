/** The pages that operators work with, in a real browser without scripts, and by plain requests. */
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { askToConfirm, confirmLink } from '../stack/confirmation.js';
import { post } from '../stack/http.js';
import { plainMail } from '../stack/incoming-mails.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = `
rules:
  - when: { ticketType: flapping }
    holdDown: 1h
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, warnBefore: null, businessHours: null }
default:
  survey: { contactCap: null }
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

async function visit<T>(path: string, use: (page: Page) => Promise<T>): Promise<T> {
  const page = await browser.newPage();
  try {
    await page.setJavaScriptEnabled(false);
    await page.goto(stack.url(path));
    return await use(page);
  } finally {
    await page.close();
  }
}

const textOf = (page: Page) => page.$eval('main', (main) => main.innerText);
const read = (path: string) => visit(path, textOf);

async function follow(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForNavigation(), page.click(selector)]);
}

/** The number of a figure, and how many reports are on the list behind it. */
async function figure(name: string): Promise<[number, number]> {
  return visit('/?still', async (page) => {
    const figures = await page.$$eval('.figures li > a', (links) =>
      links.map((link) => [link.textContent ?? '', link.getAttribute('href') ?? '']),
    );
    const [text = '', path = ''] = figures.find(([label = '']) => label.includes(name)) ?? [];
    await page.goto(stack.url(path));
    const rows = await page.$$eval('.list tbody tr', (found) => found.length);
    return [Number(/(\d+)\s*$/.exec(text)?.[1] ?? NaN), rows];
  });
}

test('an empty desk says so in words', async () => {
  const text = await read('/?still');
  expect(text).toContain('No customer has answered yet.');
  expect(text).toContain('Nothing was closed in the last 30 days.');
  expect(text).not.toMatch(/NaN|undefined|null/);
  expect(await read('/reports')).toContain('No report matches.');
});

test('the figures are those of the lists behind them', async () => {
  await stack.open('FIG-OPEN');
  await stack.open('FIG-FLAP', { ticketType: 'flapping' });
  await stack.client.clear('FIG-FLAP');
  await askToConfirm(stack, 'FIG-ASKED', { ticketType: 'confirmed' });
  await stack.ask('FIG-CLOSED');
  await stack.untilPhase('FIG-FLAP', 'clearing');
  expect(await figure('Open')).toEqual([1, 1]);
  expect(await figure('Cleared')).toEqual([1, 1]); // the other one waits for its customer
  expect(await figure('Closed today')).toEqual([1, 1]);
  expect(await figure('Needs attention')).toEqual([0, 0]);
  const list = await read('/reports');
  expect(list).toMatch(/FIG-FLAP[\s\S]*Cleared\s+its hold-down or closing/);
  expect(list).toMatch(/FIG-ASKED[\s\S]*Customer asked\s+the customer's reply/);
  expect(list).toMatch(/FIG-CLOSED[\s\S]*Survey open\s+the customer's answer/);
});

test('by keyboard and without scripts: found, held with a note, cleared, released; the page says who and why', async () => {
  await stack.open('DESK-1', { customerId: 'C-DESK', externalId: 'EXT-7' });
  await visit('/', async (page) => {
    await page.type('#find', 'EXT-7');
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    await follow(page, '.list a');
    await page.type('#note', 'wait for the field engineer');
    await follow(page, 'button[value=hold]');
    expect(await textOf(page)).toMatch(/Open, and held by desk since .*: wait for the field engineer\./);
    await follow(page, 'button[value=clear]');
    await until('it to be cleared', async () => {
      await page.reload();
      return /Cleared, and held by desk since/.test(await textOf(page));
    });
    await follow(page, 'button[value=release]');
  });
  await stack.untilSurvey('DESK-1', 'sent');
  const story = await read('/reports/DESK-1');
  expect(story).toMatch(
    /Survey mail sent[\s\S]*Closed[\s\S]*Released · desk[\s\S]*Held: will not be closed until it is released · desk/,
  );
  expect(story).toContain('Closed: the customer can answer the survey until');
});

test('what a customer said is two clicks from the overview: in a survey, by mail, and before the closing', async () => {
  const mail = await stack.ask('WORDS-1');
  await post(linkIn(mail), { score: '2', comment: 'nobody called <b>me</b>' });
  const text = 'The line hums.\n\nOn Tue, 24 Nov 2026, Closeout wrote:\n> Is your problem solved?';
  await stack.inbound(plainMail({ answers: mail.messageId ?? '', text }));
  const asked = await askToConfirm(stack, 'WORDS-2', { ticketType: 'confirmed' });
  await post(confirmLink(asked, 'no'), { fixed: 'no', reason: 'Branch 7 still dead' });
  await stack.untilPhase('WORDS-2', 'open');
  const overview = await read('/?still');
  for (const words of ['nobody called <b>me</b>', 'The line hums.', 'Branch 7 still dead'])
    expect(overview).toContain(words);
  expect(overview).not.toContain('Is your problem solved?');
  await visit('/?still', async (page) => {
    await follow(page, '.cards a[href="/reports/WORDS-2"]');
    expect(await textOf(page)).toMatch(/Reopened · customer[\s\S]*Branch 7 still dead/);
  });
  expect(await read('/reports/WORDS-1')).toMatch(
    /Wrote[\s\S]*The line hums\.[\s\S]*Quoted mail[\s\S]*2 of 5[\s\S]*nobody called/,
  );
});

test('an operator answers from the page; an action that no longer fits is refused with the reason, the note kept', async () => {
  const mail = await stack.ask('ACT-1');
  const act = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    post(stack.url('/reports/ACT-1'), form, headers);
  const requestId = 'abcdefghijklmnop';
  for (let twice = 0; twice < 2; twice++)
    expect(
      (await post(stack.url('/reports/ACT-1/mail'), { text: 'A technician comes today.', requestId })).status,
    ).toBe(303);
  const other = await post(stack.url('/reports/ACT-1/mail'), { text: 'A technician comes tomorrow.', requestId });
  expect([other.status, await other.text()]).toEqual([409, expect.stringContaining('A technician comes tomorrow.')]);
  const reply = await until('the reply', async () =>
    (await stack.mails('ACT-1')).find(({ subject }) => subject?.startsWith('Re: ')),
  );
  expect(reply).toMatchObject({
    inReplyTo: mail.messageId,
    text: expect.stringContaining('A technician comes today.') as string,
  });
  const late = await act({ action: 'hold', note: 'please wait' });
  const page = await late.text();
  expect([late.status, page]).toEqual([409, expect.stringContaining('hold was refused')]);
  expect(page).toContain('please wait</textarea>');
  const named = { authorization: `Basic ${Buffer.from('eve:no token is needed here').toString('base64')}` };
  const before = (await stack.client.surveys.currentOf('ACT-1')).expiresAt ?? '';
  // A double click gives three days, not six.
  for (let twice = 0; twice < 2; twice++)
    expect((await act({ action: 'extendSurvey', days: '3', requestId }, named)).status).toBe(303);
  await until('the extension', async () => (await read('/reports/ACT-1')).includes('More time to answer'));
  expect(await read('/reports/ACT-1')).toMatch(/More time to answer, until .* · eve \(unverified\)/);
  const { expiresAt = '' } = await stack.client.surveys.currentOf('ACT-1');
  expect(Date.parse(expiresAt) - Date.parse(before)).toBe(3 * 86_400_000);
  expect((await act({ action: 'erase' })).status).toBe(400);
});

test('a note that is changed before its form is sent again is not lost', async () => {
  await stack.open('EDITED-1');
  const form = { action: 'hold', requestId: 'abcdefghijklmnop' };
  for (const note of ['Call Ann', 'Call Ann after six'])
    expect((await post(stack.url('/reports/EDITED-1'), { ...form, note })).status).toBe(303);
  expect(await read('/reports/EDITED-1')).toMatch(/held by desk since .*: Call Ann after six\./);
});

test('a cancelled report is no longer held; what its run has not acted on yet is said', async () => {
  await stack.open('GONE-1');
  await stack.client.operate('hold', 'GONE-1', { by: 'eve' });
  await stack.client.cancel('GONE-1');
  await stack.untilPhase('GONE-1', 'done');
  expect(await read('/reports?q=GONE-1')).toMatch(/GONE-1[\s\S]*Done\s+nothing/);
  expect(await read('/reports/GONE-1')).toContain('Cancelled.');
  await stack.open('LATER-1');
  await stack.untilPhase('LATER-1', 'open');
  process.kill(stack.pids()['worker'] ?? NaN, 'SIGSTOP');
  const asked = await post(stack.url('/reports/LATER-1'), { action: 'clear' });
  process.kill(stack.pids()['worker'] ?? NaN, 'SIGCONT');
  expect(asked.headers.get('location')).toBe('/reports/LATER-1?pending');
  expect(await read('/reports/LATER-1?pending')).toContain('The request was accepted.');
  await stack.untilSurvey('LATER-1', 'sent');
});

test('nothing is done for a page of another site, and errors are pages too', async () => {
  await stack.open('SAFE-1');
  const foreign: [string, string][] = [
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
    ['sec-fetch-site', 'cross-site'],
  ];
  for (const [name, value] of foreign)
    expect((await post(stack.url('/reports/SAFE-1'), { action: 'cancel' }, { [name]: value })).status).toBe(403);
  expect((await stack.client.get('SAFE-1')).status).toBe('acknowledged');
  const asBrowser = { headers: { accept: 'text/html' } };
  const unknown = await fetch(stack.url('/reports/NOPE'), asBrowser);
  expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining('There is no report NOPE.')]);
  const wrong = await fetch(stack.url('/reports?phase=closing'), asBrowser);
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('<h1>Bad input</h1>')]);
  expect((await fetch(stack.url('/reports/NOPE'))).headers.get('content-type')).toMatch(/^application\/json/);
});
