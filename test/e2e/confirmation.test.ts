import puppeteer, { type Browser } from 'puppeteer-core';
import { bounceMail, plainMail } from '../stack/incoming-mails.js';
import { decoded, surveyEvents } from '../stack/history.js';
import { post } from '../stack/http.js';
import { type SeenMail } from '../stack/mail.js';
import { askToConfirm, confirmationPolicy as policy, confirmLink } from '../stack/confirmation.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

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

/** A cleared report whose customer was asked to confirm; the mail. */
const cleared = (id: string, report: Parameters<typeof askToConfirm>[2] = {}) => askToConfirm(stack, id, report);
const textOf = async (link: string) => (await fetch(link)).text();
const events = async (id: string) => (await surveyEvents(stack, id)).map(({ event }) => event);

test('"yes", then the survey’s question on the same page: closed, answered, one mail', async () => {
  const mail = await cleared('YES-1');
  expect(mail.subject).toBe('Is your problem fixed? Please confirm: report YES-1');
  expect((await stack.client.get('YES-1')).status).toBe('resolved');
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(confirmLink(mail));
  expect(await page.$eval('h1', (h1) => h1.textContent)).toBe('Is the problem in report YES-1 fixed?');
  await Promise.all([page.waitForNavigation(), page.click('button[value=yes]')]);
  expect(page.url()).toContain('/c/');
  await stack.untilSurvey('YES-1', 'sent');
  await page.reload(); // if the report was not closed at once
  expect(await page.$eval('main', (main) => main.textContent)).toContain('Report YES-1 is closed.');
  await page.click('input[name=score][value="5"]');
  await Promise.all([page.waitForNavigation(), page.click('button')]);
  expect(await page.$eval('main', (main) => main.textContent)).toContain('5 – very satisfied');
  await page.close();
  expect(await stack.untilPhase('YES-1', 'done')).toMatchObject({ cycle: 1, survey: { state: 'answered' } });
  expect((await stack.client.get('YES-1')).status).toBe('closed');
  expect(await stack.mails('YES-1')).toHaveLength(1);
  expect(await events('YES-1')).toEqual(expect.arrayContaining(['confirmAsked', 'confirmed', 'answered']));
});

test('"yes" and no more: closed at once, the question waits on the page, nobody is reminded', async () => {
  const mail = await cleared('ONLY-1');
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(303);
  await stack.untilSurvey('ONLY-1', 'sent');
  expect(await textOf(confirmLink(mail))).toContain('name="score"');
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(200); // pressed twice: the same page
  expect(await stack.mails('ONLY-1')).toHaveLength(1);
});

const alertAbout = (subject: string) =>
  until(`the alert "${subject}"`, async () => (await stack.mails()).find((mail) => mail.subject === subject));

test('"no" with a reason: reopened before it was ever closed, the reason a note; cleared again, asked again', async () => {
  const mail = await cleared('NO-1');
  const reason = 'Still no dial tone, my name is Ann Smith';
  const answer = await post(confirmLink(mail, 'no'), { fixed: 'no', reason });
  expect(answer.status).toBe(303);
  expect(await textOf(confirmLink(mail))).toContain('Report NO-1 is open again');
  await stack.untilPhase('NO-1', 'open', 1);
  const alert = await alertAbout('Not fixed: report NO-1');
  expect(alert.text).toContain(`The customer writes:\n\n> ${reason}\n`);
  expect(alert.text).toContain('closeout reply NO-1');
  const ticket = (await (await fetch(stack.url('/tmf-api/troubleTicket/v4/troubleTicket/NO-1'))).json()) as {
    status: string;
    note: { text: string; author: string }[];
    statusChange: { status: string }[];
  };
  expect(ticket).toMatchObject({ status: 'inProgress', note: [{ text: reason, author: 'customer' }] });
  expect(ticket.statusChange.map(({ status }) => status)).toEqual(['acknowledged', 'resolved', 'inProgress']);
  await stack.client.clear('NO-1');
  const [first, second] = await stack.untilMails('NO-1', 2);
  expect(second?.messageId).not.toBe(first?.messageId);
  expect(confirmLink(second as SeenMail)).toBe(confirmLink(first as SeenMail)); // one page per cycle
  const stale = await post(confirmLink(mail), { fixed: 'yes', clearing: '1' });
  expect([stale.status, await stale.text()]).toEqual([200, expect.stringContaining('name="fixed"')]);
  await post(confirmLink(mail), { fixed: 'yes' });
  await stack.untilSurvey('NO-1', 'sent');
  expect(decoded(await stack.history('NO-1'))).not.toMatch(/dial tone|Smith/);
});

test('silence: one warning, then closed; a late answer gets a clear page and still counts', async () => {
  const mail = await cleared('LATE-1', { ticketType: 'brief' });
  expect(mail.text).toContain('If we do not hear from you by');
  await stack.untilSurvey('LATE-1', 'sent');
  const [, warning] = await stack.untilMails('LATE-1', 2);
  expect(warning).toMatchObject({
    subject: 'Reminder: Is your problem fixed? Report LATE-1',
    inReplyTo: mail.messageId,
  });
  expect(await events('LATE-1')).toEqual(['confirmAsked', 'confirmWarned', 'silence', 'sent']);
  expect(await textOf(confirmLink(mail))).toContain('because we had not heard from you');
  const late = await post(confirmLink(mail), { fixed: 'no', reason: 'It crackles' });
  const page = await late.text();
  expect([late.status, page]).toEqual([200, expect.stringContaining('It crackles')]); // kept, in the survey's form
  const [form = ''] = page.match(/\/s\/[^"?]+/) ?? [];
  expect((await post(stack.url(form), { solved: 'no', comment: 'It crackles' })).status).toBe(303);
  await stack.untilPhase('LATE-1', 'open', 2);
  expect(await stack.mails('LATE-1')).toHaveLength(2);
});

test('silence where no survey follows: a late "no" still opens it again, with the reason', async () => {
  const mail = await cleared('BARE-1', { ticketType: 'briefUnrated' });
  await stack.untilPhase('BARE-1', 'done');
  const page = await textOf(confirmLink(mail));
  expect(page).toContain('because we had not heard from you');
  expect(page).not.toContain('value="yes"');
  const late = await post(confirmLink(mail, 'no'), { fixed: 'no', reason: 'It crackles' });
  expect([late.status, await late.text()]).toEqual([200, expect.stringContaining('BARE-1 is open again')]);
  await stack.untilPhase('BARE-1', 'open', 2);
  expect(await stack.client.get('BARE-1')).toMatchObject({ status: 'inProgress', statusReason: 'It crackles' });
  expect((await fetch(confirmLink(mail))).status).toBe(410);
});

test('a late "no" alerts an operator with the words, and so do words that no form accepts any more', async () => {
  const mail = await cleared('HEARD-1', { ticketType: 'briefUnrated' });
  await stack.untilPhase('HEARD-1', 'done');
  await post(confirmLink(mail, 'no'), { fixed: 'no', reason: 'It hums' });
  expect((await alertAbout('Not fixed: report HEARD-1')).text).toContain('> It hums');
  await stack.untilPhase('HEARD-1', 'open', 2);
  for (let twice = 0; twice < 2; twice++)
    expect((await post(confirmLink(mail, 'no'), { fixed: 'no', reason: 'And it crackles' })).status).toBe(410);
  expect((await alertAbout('A customer wrote about report HEARD-1')).text).toContain('> And it crackles');
});

test('"yes" where no survey follows: thanks, and nothing to fill in', async () => {
  const mail = await cleared('PLAIN-1', { ticketType: 'unrated' });
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(303);
  const page = await textOf(confirmLink(mail));
  expect(page).toMatch(/Report PLAIN-1 is (being )?closed\./);
  expect(page).not.toContain('name="score"');
  expect(await stack.untilPhase('PLAIN-1', 'done')).toMatchObject({ survey: { state: 'skipped', reason: 'disabled' } });
});

test('silence about a major incident closes nothing: an operator is alerted once, and releases it', async () => {
  const mail = await cleared('MAJOR-1', { severity: 'critical' });
  expect(mail.text).toContain('stays open until we hear from you');
  expect(await stack.untilPhase('MAJOR-1', 'needsAttention')).toMatchObject({ attention: { step: 'askConfirmation' } });
  const alert = await until('the alert', async () =>
    (await stack.mails()).find(({ subject }) => subject === 'Not confirmed: report MAJOR-1'),
  );
  expect(alert.text).toContain('closeout release MAJOR-1');
  expect((await stack.closeout('release', 'MAJOR-1', '--by', 'eve')).code).toBe(0);
  await stack.untilSurvey('MAJOR-1', 'sent');
  expect(await textOf(confirmLink(mail))).toMatch(/Report MAJOR-1 was closed on [^<]*\.</); // and not: in silence
  const next = await cleared('MAJOR-2', { severity: 'critical' });
  await stack.untilPhase('MAJOR-2', 'needsAttention');
  await post(confirmLink(next), { fixed: 'yes' }); // late, and welcome
  await stack.untilSurvey('MAJOR-2', 'sent');
});

test('unreachable customers are not waited for', async () => {
  await stack.open('NOBODY-1', { contact: { name: 'Ann' } });
  await stack.client.clear('NOBODY-1');
  expect(await stack.untilPhase('NOBODY-1', 'done')).toMatchObject({ survey: { reason: 'noAddress' } });
  await cleared('BOUNCED-1');
  const { id = '' } = (await stack.client.surveys.ofCycle('BOUNCED-1', 1)) ?? {};
  await stack.inbound(bounceMail({ surveyId: id, action: 'failed', status: '5.1.1' }));
  expect(await stack.untilPhase('BOUNCED-1', 'done')).toMatchObject({
    survey: { state: 'undeliverable', reason: '5.1.1' },
  });
  expect(await stack.mails('BOUNCED-1')).toHaveLength(1);
});

test('a service that reopens while it is asked ends the asking; the old link says so', async () => {
  const mail = await cleared('BACK-1');
  await stack.client.reopen('BACK-1');
  await stack.untilPhase('BACK-1', 'open', 1);
  const answer = await post(confirmLink(mail), { fixed: 'yes' });
  expect([answer.status, await answer.text()]).toEqual([410, expect.stringContaining('reopened after this mail')]);
  expect((await stack.client.status('BACK-1')).phase).toBe('open');
});

test('asked with nothing but the signal, and not asked where a rule says so', async () => {
  await stack.open('SIGNAL-1');
  await stack.signal('SIGNAL-1', 'cleared');
  const [mail] = await stack.untilMails('SIGNAL-1', 1);
  await post(confirmLink(mail as SeenMail), { fixed: 'yes' });
  await stack.untilSurvey('SIGNAL-1', 'sent');
  expect((await stack.ask('ASIS-1', { ticketType: 'unasked' })).subject).toBe('Is your problem solved? Report ASIS-1');
});

test('the next sweep notifies the run of a reply that it missed', async () => {
  const mail = await cleared('UNTOLD-1');
  await stack.kill('Temporal'); // start brings it back
  const answer = await post(confirmLink(mail), { fixed: 'yes' });
  expect([303, 503]).toContain(answer.status);
  const { confirmation } = (await stack.client.surveys.ofCycle('UNTOLD-1', 1)) ?? {};
  expect(confirmation).toBe('yes');
  await until('the sweep', () =>
    stack.temporal.schedule
      .getHandle('closeout-watch')
      .trigger()
      .then(() => true),
  );
  await stack.untilSurvey('UNTOLD-1', 'sent');
});

test('in a later cycle it is the same: no, cleared once more, yes, and the survey’s question', async () => {
  await cleared('TWICE-1');
  await stack.client.operate('release', 'TWICE-1', { by: 'eve' });
  await stack.untilSurvey('TWICE-1', 'sent');
  await stack.client.reopen('TWICE-1');
  await stack.untilPhase('TWICE-1', 'open', 2);
  for (const [count, fixed] of [
    [2, 'no'],
    [3, 'yes'],
  ] as const) {
    await stack.client.clear('TWICE-1');
    const mail = (await stack.untilMails('TWICE-1', count)).at(-1) as SeenMail;
    await stack.untilAsked('TWICE-1');
    expect((await post(confirmLink(mail), { fixed })).status).toBe(303);
    await stack.untilStatus('TWICE-1', fixed, ({ phase }) => phase === (fixed === 'no' ? 'open' : 'surveying'));
    if (fixed === 'yes') await stack.untilSurvey('TWICE-1', 'sent');
    if (fixed === 'yes') expect(await textOf(confirmLink(mail))).toContain('name="score"');
  }
  expect(await stack.untilSurvey('TWICE-1', 'sent')).toMatchObject({ cycle: 2 });
});

test('opened and cleared again before any worker looked: the customer is asked again', async () => {
  await cleared('AGAIN-1');
  await stack.kill('worker'); // start brings it back
  await stack.signal('AGAIN-1', 'reopened');
  await stack.signal('AGAIN-1', 'cleared');
  const [first, second] = await stack.untilMails('AGAIN-1', 2);
  expect(second?.messageId).not.toBe(first?.messageId);
});

test('a report whose customer replies by mail is not closed before an operator has read the mail', async () => {
  const mail = await cleared('WROTE-1');
  // As it comes from a person in a mailing list of the customer, through a relay that suppresses automatic replies.
  const headers = ['Precedence: list', 'List-Id: <office.customers.example>', 'X-Auto-Response-Suppress: All'];
  await stack.inbound(plainMail({ answers: mail.messageId ?? '', text: 'It still crackles.', headers }));
  await stack.untilHeld('WROTE-1');
  const subject = 'A customer wrote about report WROTE-1';
  const alert = await until('the alert', async () => (await stack.mails()).find((mail) => mail.subject === subject));
  expect(alert.text).toContain('closeout release WROTE-1');
  const [report] = await stack.sql(`select status, expected_at from reports where id = 'WROTE-1'`);
  expect(report).toEqual({ status: 'resolved', expected_at: null }); // the sweep does not wake it when the window has ended
});

test('cancelled while it is asked, and erased: the page says what is true, and takes no more', async () => {
  const cancelled = await cleared('CANCEL-1');
  await stack.client.cancel('CANCEL-1');
  await stack.untilPhase('CANCEL-1', 'done');
  expect(await textOf(confirmLink(cancelled))).toContain('The report was cancelled after this mail');
  const erased = await cleared('ERASE-1');
  await stack.closeout('erase', 'customer-ERASE-1', '--yes');
  const late = await post(confirmLink(erased), { fixed: 'no' });
  expect(late.status).toBe(410);
  expect((await stack.client.status('ERASE-1')).phase).toBe('confirming');
});

test('an operator’s skip-survey in the quiet hours changes what follows, not the waiting', async () => {
  await stack.open('QUIET-1', { ticketType: 'quiet' });
  await stack.client.clear('QUIET-1');
  await stack.untilPostponed('QUIET-1', 'confirming');
  await stack.client.operate('skipSurvey', 'QUIET-1', { by: 'eve' });
  await stack.client.operate('hold', 'QUIET-1', { by: 'eve' });
  expect((await stack.history('QUIET-1')).events?.length).toBeLessThan(60);
  await stack.client.operate('release', 'QUIET-1', { by: 'eve' });
  await stack.client.operate('release', 'QUIET-1', { by: 'eve' }); // the first only ended the hold
  expect(await stack.untilPhase('QUIET-1', 'done')).toMatchObject({ survey: { reason: 'byOperator' } });
  expect(await stack.mails('QUIET-1')).toHaveLength(0);
});
