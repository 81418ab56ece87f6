import { loadConfig } from '../../src/setup/config.js';
import { cleanEnv } from '../stack/commands.js';
import { bounceMail, multipartMail, plainMail } from '../stack/incoming-mails.js';
import { inbound } from '../stack/commands.js';
import { Stack } from '../stack/stack.js';
import { surveyEvents } from '../stack/history.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy: 'default:\n  survey: { contactCap: null }\n' });
});
afterAll(() => stack.end());

const surveyIdOf = async (id: string) => (await stack.client.surveys.ofCycle(id, 1))?.id ?? '';
const messagesOf = async (id: string) => (await stack.client.timeline(id)).filter((entry) => entry.kind === 'message');
const events = async (id: string) => (await surveyEvents(stack, id)).map(({ event, by }) => [event, by]);

const signalsOf = async (id: string) => {
  const { events: history } = await stack.history(id);
  return (history ?? []).map(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName);
};

test('an automatic reply reopens nothing and alerts nobody', async () => {
  const { messageId } = await stack.ask('OOO-1');
  const mail = plainMail({ answers: messageId, headers: ['Auto-Submitted: auto-replied'], id: '<ooo@c.example>' });
  expect(await stack.inbound(mail)).toMatchObject({ code: 0, stdout: 'received: automatic\n' });
  expect((await stack.client.get('OOO-1')).status).toBe('closed');
  expect(await stack.mails('OOO-1')).toHaveLength(1);
  expect(await events('OOO-1')).toContainEqual(['automaticReply', null]);
});

test('a bounce makes the survey undeliverable and suppresses the address; a delay changes nothing', async () => {
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

test('a bounce of another address, to which the mail was forwarded, does not suppress the address', async () => {
  const contact = { emailAddress: 'forwards@customers.example' };
  await stack.ask('FORWARD-1', { contact });
  const surveyId = await surveyIdOf('FORWARD-1');
  await stack.inbound(bounceMail({ surveyId, action: 'failed', status: '5.1.1', recipient: 'other@else.example' }));
  await stack.untilSurvey('FORWARD-1', 'undeliverable');
  await stack.ask('FORWARD-2', { contact });
});

test('a bounce that comes after the address was corrected says nothing about the new one', async () => {
  await stack.ask('LATE-1', { contact: { emailAddress: 'old@customers.example' } });
  const surveyId = await surveyIdOf('LATE-1');
  await stack.sql(`update contacts set email_address = 'new@customers.example' where report_id = 'LATE-1'`);
  await stack.closeout('resend-survey', 'LATE-1');
  await until('the second mail', async () => (await stack.mails('LATE-1')).length === 2);
  const bounce = (recipient: string) => bounceMail({ surveyId, action: 'failed', status: '5.1.1', recipient });
  await until(
    'its address to be noted',
    async () => (await stack.client.surveys.find(surveyId))?.earlierAddresses.length,
  );
  expect((await stack.inbound(bounce('old@customers.example'))).stdout).toBe('received: bounce\n');
  expect(await events('LATE-1')).toContainEqual(['bounced', null]);
  expect(await signalsOf('LATE-1')).not.toContain('bounced');
  await stack.open('LATE-2', { contact: { emailAddress: 'old@customers.example' } });
  await stack.client.clear('LATE-2');
  expect((await stack.untilPhase('LATE-2', 'done')).survey.reason).toBe('suppressed');
  await stack.inbound(bounce('new@customers.example'));
  expect(await signalsOf('LATE-1')).toContain('bounced');
  await stack.untilSurvey('LATE-1', 'undeliverable');
  // Whoever opens the link has the mail.
  expect(await stack.client.surveys.answer(surveyId, { score: 5 })).toMatchObject({ score: 5 });
  await stack.untilSurvey('LATE-1', 'answered');
});

test('a report about authentication is no complaint', async () => {
  await stack.ask('DMARC-1');
  const report = multipartMail({
    headers: ['From: dmarc@provider.example', `To: bounce+${await surveyIdOf('DMARC-1')}@closeout.example`],
    type: 'report; report-type=feedback-report',
    parts: ['Content-Type: message/feedback-report\n\nFeedback-Type: auth-failure\nAuth-Failure: dmarc'],
  });
  expect((await stack.inbound(report)).stdout).toBe('received: automatic\n');
  await stack.ask('DMARC-2');
});

test('a complaint counts also after the report was deleted', async () => {
  const contact = { emailAddress: 'fed-up@customers.example' };
  await stack.ask('DELETED-1', { contact });
  const complaint = multipartMail({
    headers: ['From: fbl@provider.example', `To: bounce+${await surveyIdOf('DELETED-1')}@closeout.example`],
    type: 'report; report-type=feedback-report',
    parts: ['Content-Type: message/feedback-report\n\nFeedback-Type: abuse'],
  });
  await stack.client.remove('DELETED-1');
  expect((await stack.inbound(complaint)).stdout).toBe('received: complaint\n');
  await stack.open('DELETED-2', { contact });
  await stack.client.clear('DELETED-2');
  expect((await stack.untilPhase('DELETED-2', 'done')).survey).toEqual({ state: 'skipped', reason: 'optedOut' });
});

test('a bounce for a full mailbox does not suppress the address', async () => {
  const contact = { emailAddress: 'full@customers.example' };
  await stack.ask('FULL-1', { contact });
  await stack.inbound(bounceMail({ surveyId: await surveyIdOf('FULL-1'), action: 'failed', status: '5.2.2' }));
  await stack.untilSurvey('FULL-1', 'undeliverable');
  await stack.ask('FULL-2', { contact });
});

test("a customer's reply is kept with the report and alerts the operator, once; nothing is reopened", async () => {
  const { messageId } = await stack.ask('BACK-1');
  const token = /\/s\/([\w.-]+)/.exec((await stack.mails('BACK-1'))[0]?.text ?? '')?.[1] ?? '';
  const links = [
    `http://127.0.0.1/s/${token}?r=4`,
    `http://127.0.0.1/c/${token}?fixed=no`,
    // As mail programs break lines, and as scanners of mail rewrite links.
    `http://127.0.0.1/u/${token.slice(0, 30)}\n> ${token.slice(30)}`,
    `https://eur01.safelinks.example/?url=https%3A%2F%2Fcare.example%2Fs%2F${token}%3Fr%3D5&data=05`,
    `https://urldefense.example/v2/url?u=https-3A__care.example_s_${token.replaceAll('-', '-2D')}&d=D`,
  ];
  const text = `Still dead\0 at night.\n\n${links.map((link) => `> ${link}`).join('\n')}`;
  const mail = plainMail({ answers: messageId, text, id: '<back@c.example>' });
  for (let time = 0; time < 2; time++)
    expect(await stack.inbound(mail)).toMatchObject({ code: 0, stdout: 'received: reply\n' });
  const alert = await until('the alert', async () =>
    (await stack.alerts('BACK-1')).find(({ subject }) => subject?.startsWith('A customer wrote')),
  );
  expect(alert.text).toContain('> Still dead at night.');
  expect(alert.text).toContain('Someone other than the customer of report BACK-1'); // ann@customers.example is not its contact
  expect(alert.text).not.toContain(token.slice(0, 30));
  expect((await stack.client.get('BACK-1')).status).toBe('closed');
  expect(await messagesOf('BACK-1')).toMatchObject([{ direction: 'in' }]);
  await stack.client.surveys.reply('BACK-1', 'A technician comes today.', 'eve');
  const reply = await until('the reply', async () =>
    (await stack.mails('BACK-1')).find(({ subject }) => subject?.startsWith('Re: ')),
  );
  expect(reply.inReplyTo).toBe('<back@c.example>');
  expect(await stack.alerts('BACK-1')).toHaveLength(1);
  // It comes back: the survey, which arrived, stays open.
  const returned = `${reply.messageId}\r\nReferences: ${messageId}`;
  const surveyId = await surveyIdOf('BACK-1');
  const bounce = bounceMail({
    surveyId,
    action: 'failed',
    status: '5.2.2',
    to: 'care@closeout.example',
    envelopeId: '',
    returned,
  });
  expect(await stack.inbound(bounce)).toMatchObject({ code: 0, stdout: 'received: bounce\n' });
  await until('the second alert', async () => (await stack.alerts('BACK-1')).length === 2);
  expect((await stack.client.status('BACK-1')).survey.state).toBe('sent');
});

test('a delivery report about another recipient changes nothing; one about ours counts', async () => {
  const contact = { emailAddress: 'two@customers.example' };
  await stack.ask('REMIND-1', { contact });
  const surveyId = await surveyIdOf('REMIND-1');
  const other = 'Final-Recipient: rfc822; other@else.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\nFinal-Recipient';
  const twoBlocks = (action: string, status: string) =>
    bounceMail({ surveyId, action, status, recipient: contact.emailAddress }).replace('Final-Recipient', other);
  expect((await stack.inbound(twoBlocks('delivered', '2.0.0'))).stdout).toBe('received: automatic\n');
  expect((await stack.inbound(twoBlocks('failed', '5.2.2'))).stdout).toBe('received: bounce\n');
  expect((await stack.untilPhase('REMIND-1', 'done')).survey).toEqual({ state: 'undeliverable', reason: '5.2.2' });
  await stack.ask('TWO-2', { contact });
});

test('a bounce that concerns the sender does not suppress the address', async () => {
  const contact = { emailAddress: 'spf@customers.example' };
  await stack.ask('SPF-1', { contact });
  const bounce = bounceMail({
    surveyId: await surveyIdOf('SPF-1'),
    action: 'failed',
    status: '5.1.0\r\nDiagnostic-Code: smtp; 550 5.1.0 not allowed to send from closeout.example by SPF',
    recipient: contact.emailAddress,
  });
  expect((await stack.inbound(bounce)).stdout).toBe('received: bounce\n');
  await until('the operator to be alerted', async () =>
    (await stack.mails()).some(({ subject }) => subject === 'Mails to customers are rejected because of their sender'),
  );
  expect((await stack.client.status('SPF-1')).survey.state).toBe('sent'); // sent again later
  await stack.ask('SPF-2', { contact });
});

test.each([
  ['a complaint', 'PLAIN-1', 'complaint'],
  ['an unsubscription', 'PLAIN-2', 'unsubscription'],
])('%s opts the address out, once', async (_, id, kind) => {
  const contact = { emailAddress: `${id}@customers.example` };
  const { messageId } = await stack.ask(id, { contact });
  const surveyId = await surveyIdOf(id);
  const complaint = multipartMail({
    headers: ['From: fbl@provider.example', `To: bounce+${surveyId}@closeout.example`],
    type: 'report; report-type=feedback-report',
    parts: ['Content-Type: message/feedback-report\n\nFeedback-Type: abuse'],
  });
  const button = plainMail({ answers: messageId, subject: 'unsubscribe', text: '' });
  for (let time = 0; time < 2; time++)
    expect(await stack.inbound(kind === 'complaint' ? complaint : button)).toMatchObject({
      code: 0,
      stdout: `received: ${kind}\n`,
    });
  const optOuts = (await surveyEvents(stack, id)).filter(({ event }) => event === 'optedOut');
  expect(optOuts).toMatchObject([{ detail: kind }]);
  await stack.open(`${id}-next`, { contact });
  await stack.client.clear(`${id}-next`);
  expect((await stack.untilPhase(`${id}-next`, 'done')).survey).toEqual({ state: 'skipped', reason: 'optedOut' });
});

test('a reply whose Message-ID another mail used is kept as well', async () => {
  const [first, second] = [await stack.ask('SAME-1'), await stack.ask('SAME-2')];
  const id = '<same@customers.example>';
  await stack.inbound(plainMail({ answers: first.messageId, text: 'First thing.', id }));
  await stack.inbound(plainMail({ answers: first.messageId, text: 'Second thing.', id }));
  await stack.inbound(plainMail({ answers: second.messageId, text: 'Third thing.', id }));
  const textsOf = async (report: string) => (await messagesOf(report)).map(({ words }) => words);
  expect(await textsOf('SAME-1')).toEqual(['First thing.', 'Second thing.']);
  expect(await textsOf('SAME-2')).toEqual(['Third thing.']);
});

test('words that no operator was alerted to, because Temporal was away, are sent by the sweep', async () => {
  const { messageId = '' } = await stack.ask('WORDS-1');
  await stack.inbound(plainMail({ answers: messageId, text: 'Thank you, but it rains in.' }));
  const alerts = () => stack.alerts('WORDS-1');
  await until('the alert', async () => (await alerts()).length === 1);
  await stack.sql(`
    insert into messages select (jsonb_populate_record(m, '{"id": "lost-1"}')).* from messages m
      where survey_id in (select id from surveys where report_id = 'WORDS-1');
    update messages set begun_at = null, text = 'And it is cold.', at = now() - interval '2 minutes' where id = 'lost-1'`);
  expect((await stack.closeout('watch')).code).toBe(0);
  await until('the second alert', async () => (await alerts()).some(({ text }) => text?.includes('> And it is cold.')));
  await stack.closeout('watch');
  expect(await alerts()).toHaveLength(2);
});

test('a mail is to be delivered again if a setting is missing or the database is down, but not if the mail is at fault', async () => {
  const mail = plainMail({ answers: '<survey.0b3k9v2m1q7r5t8a4c6d.1@closeout.example>' });
  const exitCode = async (source: string, more: Record<string, string> = {}) =>
    (await inbound(source, { ...cleanEnv(), ...stack.env, ...more })).code;
  expect(await exitCode(mail, { CLOSEOUT_DATA: '/nowhere' })).toBe(75); // no DATABASE_URL
  expect(await exitCode(mail, { CLOSEOUT_PUBLIC_URL: 'nowhere' })).toBe(75);
  expect(await exitCode(mail, { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' })).toBe(75);
  await stack.sql('create database not_migrated');
  const { databaseUrl } = loadConfig(stack.env);
  expect(await exitCode(mail, { DATABASE_URL: databaseUrl.replace(/postgres$/, 'not_migrated') })).toBe(75);
  expect(await exitCode(mail)).toBe(65); // no such survey
  expect(await exitCode('\0\xff not a mail')).toBe(65);
});

test('a reply to no survey is refused with a message; an automatic one is dropped', async () => {
  expect(await stack.inbound(plainMail({}))).toMatchObject({
    code: 65,
    stderr: 'closeout: This mail does not belong to any survey, so nobody was alerted.\n',
  });
  expect((await stack.inbound(plainMail({ headers: ['Auto-Submitted: auto-replied'] }))).code).toBe(0);
});

test('the bounce of a reminder leaves the survey open: the first mail did arrive', async () => {
  await stack.ask('REMINDED-1');
  const surveyId = await surveyIdOf('REMINDED-1');
  const returned = `<survey.${surveyId}.2@closeout.example>`;
  const bounce = bounceMail({ surveyId, action: 'failed', status: '5.2.2', returned });
  expect(await stack.inbound(bounce)).toMatchObject({ code: 0, stdout: 'received: bounce\n' });
  expect(await events('REMINDED-1')).toContainEqual(['bounced', null]);
  await stack.inbound(bounceMail({ surveyId, action: 'failed', status: '5.7.29', returned }));
  await until('the alert', async () => (await stack.mails()).some(({ text }) => text?.includes('with 5.7.29')));
  expect(await signalsOf('REMINDED-1')).not.toContain('bounced');
  expect(await stack.client.status('REMINDED-1')).toMatchObject({ survey: { state: 'sent' } });
});

test('a survey that is sent again to an address that must not be mailed can be sent once it may be', async () => {
  const contact = { emailAddress: 'gone@customers.example' };
  await stack.ask('GONE-1', { contact });
  const surveyId = await surveyIdOf('GONE-1');
  const recipient = contact.emailAddress;
  await stack.inbound(bounceMail({ surveyId, action: 'failed', status: '5.1.1', recipient }));
  await stack.untilPhase('GONE-1', 'done');
  expect((await stack.closeout('resend-survey', 'GONE-1')).code).toBe(0);
  await until('it to be refused', async () => (await stack.client.surveys.currentOf('GONE-1')).reason === 'suppressed');
  const { survey } = await stack.untilPhase('GONE-1', 'done');
  expect(survey).toEqual({ state: 'undeliverable', reason: 'suppressed' });
  expect((await stack.closeout('allow-contact', 'GONE-1')).code).toBe(0);
  expect((await stack.closeout('resend-survey', 'GONE-1')).code).toBe(0);
  await stack.untilMails('GONE-1', 2);
  await stack.untilSurvey('GONE-1', 'sent');
});
