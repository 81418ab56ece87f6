import type { TimelineEntry } from '../../src/contract/timeline.js';
import { readFile } from 'node:fs/promises';
import { plainMail } from '../stack/incoming-mails.js';
import { decoded } from '../stack/history.js';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { surveyEvents } from '../stack/history.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy: 'default:\n  survey: { contactCap: null }\n', env: { CLOSEOUT_KEEP_DAYS: '0' } });
});
afterAll(() => stack.end());

const events = async (id: string) => (await surveyEvents(stack, id)).map(({ event, by }) => [event, by]);

describe('an operator', () => {
  test('sends a survey again, extends and revokes it; each is in the timeline with who asked', async () => {
    const mail = await stack.ask('ACTS-1');
    expect((await stack.closeout('resend-survey', 'ACTS-1', '--by', 'eve')).code).toBe(0);
    const [first, again] = await stack.untilMails('ACTS-1', 2);
    expect(again?.raw).toBe(first?.raw);
    const before = (await stack.client.surveys.currentOf('ACTS-1')).expiresAt ?? '';
    expect((await stack.closeout('extend-survey', 'ACTS-1', '--by', 'eve', '--days', '3')).code).toBe(0);
    const after = await until('the later deadline', async () => {
      const { expiresAt = '' } = await stack.client.surveys.currentOf('ACTS-1');
      return expiresAt > before && expiresAt;
    });
    expect(Date.parse(after) - Date.parse(before)).toBe(3 * 24 * 60 * 60 * 1000);
    expect((await stack.closeout('revoke-survey', 'ACTS-1', '--by', 'eve')).code).toBe(0);
    expect((await stack.untilPhase('ACTS-1', 'done')).survey).toEqual({ state: 'expired', reason: 'revoked' });
    const answer = await post(linkIn(mail), { score: '1' });
    expect(answer.status).toBe(410);
    expect(await answer.text()).toContain('This survey has ended');
    expect(await events('ACTS-1')).toEqual([
      ['sent', null],
      ['sentAgain', 'eve'],
      ['extended', 'eve'],
      ['revoked', 'eve'],
    ]);
    const refused = await stack.closeout('extend-survey', 'ACTS-1', '--days', '3');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('ACTS-1 has no run') as string });
  });

  test('gives days that make sense, or is refused with the allowed range', async () => {
    await stack.ask('DAYS-1');
    for (const days of ['0', '91'])
      expect((await stack.closeout('extend-survey', 'DAYS-1', '--days', days)).stderr).toContain(
        'days must be 1 to 90',
      );
    expect((await stack.closeout('extend-survey', 'DAYS-1', '--days', 'many')).code).toBe(2);
  });

  test('answers a comment: the mail threads under the survey', async () => {
    const mail = await stack.ask('REPLY-1');
    await post(linkIn(mail), { score: '2', comment: 'nobody called' });
    const written = await stack.closeout('reply', 'REPLY-1', '--text', 'We are sorry.', '--by', 'eve');
    expect(written.code).toBe(0);
    const reply = await until('the reply', async () =>
      (await stack.mails('REPLY-1')).find(({ subject }) => subject?.startsWith('Re: ')),
    );
    expect(reply).toMatchObject({ inReplyTo: mail.messageId, references: mail.messageId });
    expect(reply.text).toContain('We are sorry.');
    await until('the timeline', async () => (await events('REPLY-1')).some(([event]) => event === 'replied'));
    const { stdout } = await stack.closeout('timeline', 'REPLY-1', '--json');
    const entries = JSON.parse(stdout) as TimelineEntry[];
    expect(entries.filter(({ kind }) => kind === 'answer' || kind === 'message')).toMatchObject([
      { kind: 'answer', by: 'customer', score: 2, words: 'nobody called' },
      { kind: 'message', direction: 'out', by: 'eve', words: 'We are sorry.' },
    ]);
    const text = (await stack.closeout('timeline', 'REPLY-1')).stdout;
    expect(text).toMatch(
      /Opened\n.*Cleared.*\n.*Closed\n.*Survey mail sent\n.*Answered the survey: 2 of 5 \(customer\)\n +> nobody called\n/,
    );
    expect(text).toMatch(/Reply by mail \(eve\)\n +> We are sorry\.\n$/);
    // A program that names only the mail that it answers.
    const back = plainMail({ answers: reply.messageId, text: 'Never mind.' });
    expect(await stack.inbound(back)).toMatchObject({ code: 0, stdout: 'received: reply\n' });
    expect((await stack.closeout('timeline', 'REPLY-1')).stdout).toContain('> Never mind.');
  });
});

describe('the figures', () => {
  test('dashboard, CSV and command agree; a formula in a comment is text', async () => {
    await post(linkIn(await stack.ask('CSV-1', { ticketType: 'tv' })), {
      score: '3',
      comment: '=HYPERLINK("http://x")',
    });
    await stack.untilPhase('CSV-1', 'done');
    const csv = await (await fetch(stack.url('/satisfaction.csv'))).text();
    expect(csv).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(csv.split('\n')[0]).toBe(
      '"report","cycle","ticketType","serviceProblem","sentAt","answeredAt","question","version","scale","score","solved","ask-reasons","comment","revisions"',
    );
    const page = await (await fetch(stack.url('/'))).text();
    expect(page).toContain('=HYPERLINK(&quot;http://x&quot;)');
    const { figure } = (await stack.client.overview.stats()).ratings[0] ?? {};
    expect(page).toContain(`Satisfied ${figure?.value} % (${figure?.low}–${figure?.high} %), few answers`);
    const plot = await fetch(stack.url('/plots/satisfaction.svg?scheme=dark'));
    expect(plot.headers.get('content-type')).toBe('image/svg+xml');
    expect(await plot.text()).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
  });
});

describe('forgetting', () => {
  test('a customer: address, name and words are gone everywhere; scores and the opt-out stay', async () => {
    const contact = { name: 'Wilhelmina Zykowski', emailAddress: 'mina@zykowski.example' };
    const report = { contact, customerId: 'customer-zy', description: 'Line of Wilhelmina Zykowski is dead' };
    const mail = await stack.ask('ERASE-1', report);
    await post(linkIn(mail), { score: '1', comment: 'zebra crossing words' });
    await stack.untilPhase('ERASE-1', 'done');
    await stack.inbound(plainMail({ answers: mail.messageId, text: 'xylophone words', id: '<zy@zykowski.example>' }));
    const open = await stack.ask('ERASE-2', report);
    const optOut = /(http\S+\/u\/\S+)/.exec(mail.text ?? '')?.[1] ?? '';
    expect(
      (await fetch(optOut, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) })).status,
    ).toBe(200);
    const secrets = /wilhelmina|zykowski|zebra|xylophone/i;
    expect(await stack.dump()).toMatch(secrets); // the search does find what is there
    const before = await stack.client.overview.stats();

    expect(await stack.closeout('erase', 'customer-zy', '--yes')).toMatchObject({
      code: 0,
      stdout: 'customer-zy: personal data removed from 2 reports.\n',
    });
    expect(await stack.dump()).not.toMatch(secrets);
    expect((await stack.untilPhase('ERASE-2', 'done')).survey).toEqual({ state: 'expired', reason: 'erased' });
    expect((await stack.client.overview.stats()).ratings).toEqual(before.ratings);
    expect((await post(linkIn(open), { score: '5', comment: 'zebra' })).status).toBe(410);
    expect((await post(linkIn(mail), { score: '5', comment: 'zebra' })).status).toBe(200); // answered, not changeable
    expect(await stack.dump()).not.toMatch(secrets);

    await stack.open('ERASE-3', { ...report, customerId: 'customer-anew' });
    await stack.client.clear('ERASE-3');
    expect((await stack.untilPhase('ERASE-3', 'done')).survey).toEqual({ state: 'skipped', reason: 'optedOut' });
    expect((await stack.closeout('erase', 'nobody', '--yes')).stderr).toBe('closeout: There is no customer nobody.\n');

    const histories = await Promise.all(['ERASE-1', 'ERASE-2', 'ERASE-3'].map((id) => stack.history(id)));
    const logs = ['worker', 'gateway', 'temporal'].map((name) => readFile(`${stack.dataDir}/logs/${name}.log`, 'utf8'));
    const text = histories.map(decoded).join('\n') + (await Promise.all(logs)).join('\n');
    expect(text).toContain('ERASE-1');
    expect(text).not.toMatch(secrets);
    const token = new URL(linkIn(mail)).pathname.slice(3);
    expect(text).not.toContain(token);
  });

  test('by the daily schedule: reports that ended longer ago than is kept lose who their customer is', async () => {
    const contact = { name: 'Quentin Quark', emailAddress: 'quentin@quark.example' };
    await stack.open('KEEP-1', { contact });
    const old = await stack.ask('OLD-1', { contact });
    await post(linkIn(old), { score: '4' });
    await stack.ask('ASKED-1', { contact, customerId: 'customer-asked' });
    await stack.temporalCli('schedule', 'trigger', '--schedule-id', 'closeout-forget');
    await until('the old report to be forgotten', async () => (await stack.client.contactOf('OLD-1')) === undefined);
    expect(await stack.closeout('forget', '--older-than', '0', '--yes')).toMatchObject({ code: 0 });
    // Open, and asked but not answered.
    for (const id of ['KEEP-1', 'ASKED-1']) expect(await stack.client.contactOf(id)).toMatchObject(contact);
    // What the customer writes afterwards is forgotten the next time.
    await stack.inbound(plainMail({ answers: old.messageId, text: 'yodelling words', id: '<late@quark.example>' }));
    expect(await stack.dump()).toContain('yodelling');
    expect(await stack.closeout('forget', '--older-than', '0', '--yes')).toMatchObject({ code: 0 });
    expect(await stack.dump()).not.toContain('yodelling');
  });
});
