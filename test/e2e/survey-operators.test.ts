import { readFile } from 'node:fs/promises';
import { bounceMail, plainMail } from '../stack/incoming-mails.js';
import { decoded } from '../stack/history.js';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy: 'default:\n  survey: { contactCap: null }\n', env: { CLOSEOUT_KEEP_DAYS: '0' } });
});
afterAll(() => stack.end());

const surveyIdOf = async (id: string) => (await stack.client.surveys.ofCycle(id, 1))?.id ?? '';
const events = async (id: string) => (await stack.client.surveys.timelineOf(id)).map(({ event, by }) => [event, by]);

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
    expect(JSON.parse(stdout)).toMatchObject({
      answers: [{ score: 2, comment: 'nobody called' }],
      messages: [{ from: 'eve', text: 'We are sorry.' }],
    });
  });
});

describe('a mail that comes in', () => {
  test('from an out-of-office program reopens nothing and calls nobody', async () => {
    const { messageId } = await stack.ask('OOO-1');
    const mail = plainMail({ answers: messageId, headers: ['Auto-Submitted: auto-replied'], id: '<ooo@c.example>' });
    expect(await stack.inbound(mail)).toMatchObject({ code: 0, stdout: 'received: automatic\n' });
    expect((await stack.client.get('OOO-1')).status).toBe('closed');
    expect(await stack.mails('OOO-1')).toHaveLength(1);
    expect(await events('OOO-1')).toContainEqual(['automaticReply', null]);
  });

  test('as a bounce makes the survey undeliverable and is not written to again; "later" changes nothing', async () => {
    const contact = { emailAddress: 'bounce-1@customers.example' };
    await stack.ask('BOUNCE-1', { contact });
    const surveyId = await surveyIdOf('BOUNCE-1');
    await stack.inbound(bounceMail({ surveyId, action: 'delayed', status: '4.4.1' }));
    expect(await stack.client.status('BOUNCE-1')).toMatchObject({ survey: { state: 'sent' } });
    const bounce = bounceMail({ surveyId, action: 'failed', status: '5.1.1', recipient: 'Bounce-1@customers.example' });
    for (let time = 0; time < 2; time++)
      expect(await stack.inbound(bounce)).toMatchObject({ code: 0, stdout: 'received: bounce\n' });
    const { survey } = await stack.untilPhase('BOUNCE-1', 'done');
    expect(survey).toEqual({ state: 'undeliverable', reason: '5.1.1' });
    expect((await events('BOUNCE-1')).filter(([event]) => event === 'bounced')).toHaveLength(1);
    await stack.open('BOUNCE-2', { contact });
    await stack.client.clear('BOUNCE-2');
    expect((await stack.untilPhase('BOUNCE-2', 'done')).survey).toEqual({ state: 'skipped', reason: 'suppressed' });
    const stats = JSON.parse((await stack.closeout('stats', '--json')).stdout) as { undeliverable: number };
    expect(stats.undeliverable).toBe(1);
  });

  test('as a bounce of somebody else, to whom it was forwarded, does not suppress the address', async () => {
    const contact = { emailAddress: 'forwards@customers.example' };
    await stack.ask('FORWARD-1', { contact });
    const surveyId = await surveyIdOf('FORWARD-1');
    await stack.inbound(bounceMail({ surveyId, action: 'failed', status: '5.1.1', recipient: 'other@else.example' }));
    await stack.untilSurvey('FORWARD-1', 'undeliverable');
    await stack.ask('FORWARD-2', { contact });
  });

  test('as a bounce for a full mailbox does not suppress the address', async () => {
    const contact = { emailAddress: 'full@customers.example' };
    await stack.ask('FULL-1', { contact });
    await stack.inbound(bounceMail({ surveyId: await surveyIdOf('FULL-1'), action: 'failed', status: '5.2.2' }));
    await stack.untilSurvey('FULL-1', 'undeliverable');
    await stack.ask('FULL-2', { contact });
  });

  test('from a customer is kept with the report and alerts the operator, once; nothing is reopened', async () => {
    const { messageId } = await stack.ask('BACK-1');
    const token = /\/s\/([\w.-]+)/.exec((await stack.mails('BACK-1'))[0]?.text ?? '')?.[1] ?? '';
    const text = `Still dead\0 at night.\n\n> http://127.0.0.1/s/${token}?r=4\n> http://127.0.0.1/c/${token}?fixed=no`;
    const mail = plainMail({ answers: messageId, text, id: '<back@c.example>' });
    for (let time = 0; time < 2; time++)
      expect(await stack.inbound(mail)).toMatchObject({ code: 0, stdout: 'received: reply\n' });
    const alert = await until('the alert', async () =>
      (await stack.mails('BACK-1')).find(({ subject }) => subject?.startsWith('A customer replied')),
    );
    expect(alert.text).toContain('> Still dead at night.');
    expect(alert.text).toContain('Another address than that of report BACK-1'); // ann@customers.example is not its contact
    expect(alert.text).not.toContain(token);
    expect((await stack.client.get('BACK-1')).status).toBe('closed');
    expect(await stack.client.surveys.messagesOf(await surveyIdOf('BACK-1'))).toMatchObject([{ direction: 'in' }]);
    await stack.client.surveys.reply('BACK-1', 'A technician comes today.', 'eve');
    const reply = await until('the reply', async () =>
      (await stack.mails('BACK-1')).find(({ subject }) => subject?.startsWith('Re: ')),
    );
    expect(reply.inReplyTo).toBe('<back@c.example>');
    expect((await stack.mails('BACK-1')).filter(({ subject }) => subject?.startsWith('A customer'))).toHaveLength(1);
  });

  test('about nothing of ours is refused with a message; from a program it is dropped', async () => {
    expect(await stack.inbound(plainMail({}))).toMatchObject({
      code: 1,
      stderr: 'closeout: This mail does not belong to any survey, so nobody was alerted.\n',
    });
    expect((await stack.inbound(plainMail({ headers: ['Auto-Submitted: auto-replied'] }))).code).toBe(0);
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
      '"report","cycle","ticketType","serviceProblem","sentAt","answeredAt","score","solved","complaints","comment","revisions"',
    );
    const page = await (await fetch(stack.url('/'))).text();
    expect(page).toContain('=HYPERLINK(&quot;http://x&quot;)');
    const { csat } = await stack.client.overview.stats();
    expect(page).toContain(`${csat?.value} % (${csat?.low}–${csat?.high} %), few answers`);
    const plot = await fetch(stack.url('/plots/satisfaction-dark.svg'));
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

    expect(await stack.closeout('erase', 'customer-zy')).toMatchObject({
      code: 0,
      stdout: 'customer-zy: personal data removed from 2 reports.\n',
    });
    expect(await stack.dump()).not.toMatch(secrets);
    expect((await stack.untilPhase('ERASE-2', 'done')).survey).toEqual({ state: 'expired', reason: 'erased' });
    expect((await stack.client.overview.stats()).distribution).toEqual(before.distribution);
    expect((await post(linkIn(open), { score: '5', comment: 'zebra' })).status).toBe(410);
    expect((await post(linkIn(mail), { score: '5', comment: 'zebra' })).status).toBe(200); // answered, not changeable
    expect(await stack.dump()).not.toMatch(secrets);

    await stack.open('ERASE-3', { ...report, customerId: 'customer-anew' });
    await stack.client.clear('ERASE-3');
    expect((await stack.untilPhase('ERASE-3', 'done')).survey).toEqual({ state: 'skipped', reason: 'optedOut' });
    expect((await stack.closeout('erase', 'nobody')).stderr).toBe('closeout: There is no customer nobody.\n');

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
    await stack.ask('OLD-1', { contact });
    await stack.temporalCli('schedule', 'trigger', '--schedule-id', 'closeout-forget');
    await until('the old report to be forgotten', async () => (await stack.client.contactOf('OLD-1')) === undefined);
    expect(await stack.client.contactOf('KEEP-1')).toMatchObject(contact);
    expect(await stack.closeout('forget', '--older-than', '0')).toMatchObject({ code: 0 });
  });
});
