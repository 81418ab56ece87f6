import { ScriptedSmtpServer } from '../stack/scripted-smtp-server.js';
import { freePorts } from '../stack/commands.js';
import { decoded } from '../stack/history.js';
import { brokenInvariants, isTaskTimedOut } from '../stack/invariants.js';
import { retryNow } from '../stack/retry-now.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/** Asked before closing; the mail's answer is not waited for. */
const policy = `
rules:
  - when: { ticketType: confirmed }
    confirmation: { window: 1h, warnBefore: null, businessHours: null }
`;
let refusesUs = false;
let refusesSender = false;
let refusesOperator = false;
let acceptSlow: (reply: string) => void = () => undefined;
const acceptedSlowly = new Promise<string>((resolve) => (acceptSlow = resolve));
const sink = new ScriptedSmtpServer((to, attempt) => {
  if (refusesUs) return { greeting: '554 5.7.1 not you' };
  if (refusesOperator && to.startsWith('operator')) return { rcptTo: `550 5.1.1 <${to}>: no such user` };
  if (refusesSender && to.startsWith('rcpt')) return { rcptTo: '550 5.1.0 not allowed to send from here: SPF' };
  if (refusesSender && to.startsWith('data')) return { afterDot: '550 5.7.26 unauthenticated' };
  if (to.startsWith('drop')) return attempt < 3 ? { afterDot: 'drop' } : {};
  if (to.startsWith('later')) return attempt < 3 ? { afterDot: '451 4.3.0 try later' } : {};
  if (to.startsWith('moved')) return attempt > 1 ? { rcptTo: `550 5.1.1 <${to}>: no such user` } : {};
  if (to.startsWith('gone')) return { rcptTo: `550 5.1.1 <${to}>: no such user` };
  if (to.startsWith('slow')) return { afterDot: acceptedSlowly };
  if (to.startsWith('policy')) return { afterDot: '554 5.6.0 content refused' };
  return {};
});
let stack: Stack;
let port: number;

beforeAll(async () => {
  port = (await freePorts(1))[0] ?? 0;
  await sink.listen(port);
  stack = await Stack.start({ policy, env: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
});
afterAll(async () => {
  await stack.end();
  await sink.close();
});

test('a relay that takes the mail and drops the line gets the same bytes again, under one Message-ID', async () => {
  const id = await stack.open('drop-1');
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const copies = sink.to('drop-1@customers.example');
  expect(copies).toHaveLength(3);
  expect(new Set(copies).size).toBe(1);
});

test('a relay that says "later" gets the mail later', async () => {
  const id = await stack.open('later-1');
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  expect(sink.attempts.get('later-1@customers.example')).toBe(3);
});

test('a refused address is tried once, is undeliverable, leaves the report closed, and is not written to again', async () => {
  const id = await stack.open('gone-1');
  await stack.client.clear(id);
  expect(await stack.untilPhase(id, 'done')).toMatchObject({
    survey: { state: 'undeliverable', reason: 'RecipientRefused' },
  });
  expect(sink.attempts.get('gone-1@customers.example')).toBe(1);
  expect((await stack.client.get(id)).status).toBe('closed');
  const next = await stack.open('gone-2', { contact: { emailAddress: 'Gone-1@customers.example' } });
  await stack.client.clear(next);
  expect(await stack.untilPhase(next, 'done')).toMatchObject({ survey: { state: 'skipped', reason: 'suppressed' } });
});

test("an operator's reply that is refused is shown as such, and the operator is alerted", async () => {
  const id = await stack.open('moved-1');
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  await stack.client.surveys.reply(id, 'We are on our way.', 'eve');
  const alert = await until('the alert', () => sink.to('operator@closeout.example').find((mail) => mail.includes(id)));
  expect(alert).toContain(`Subject: Reply not mailed: report ${id}`);
  expect(alert).not.toContain('on our way');
  const replies = (await stack.client.timeline(id)).filter(({ kind }) => kind === 'message');
  expect(replies).toEqual([expect.objectContaining({ direction: 'out', isSent: false, failure: 'RecipientRefused' })]);
  await stack.sql(`update messages set at = at - interval '2 hours', begun_at = begun_at - interval '2 hours'`);
  await stack.client.overview.sweep();
  expect(sink.attempts.get('moved-1@customers.example')).toBe(2);
});

test('an alert that is refused is sent once the address accepts it', async () => {
  const id = await stack.open('alert-1');
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const to = 'operator@closeout.example';
  const attempts = sink.attempts.get(to) ?? 0;
  refusesOperator = true;
  const { id: surveyId } = await stack.client.surveys.currentOf(id);
  await stack.client.surveys.answer(surveyId ?? '', { score: 1 });
  await until('the refusal', () => (sink.attempts.get(to) ?? 0) > attempts);
  refusesOperator = false;
  await until('the alert', () => sink.to(to).some((mail) => mail.includes(id)));
});

test('a dropped or deferred confirmation mail is retried; customers who cannot be reached are skipped', async () => {
  const asks = async (id: string) => {
    await stack.open(id, { ticketType: 'confirmed' });
    await stack.client.clear(id);
  };
  for (const id of ['drop-c', 'later-c', 'gone-c', 'policy-c']) await asks(id);
  for (const id of ['drop-c', 'later-c']) await stack.untilAsked(id);
  expect(sink.to('drop-c@customers.example')).toHaveLength(3);
  expect(new Set(sink.to('drop-c@customers.example')).size).toBe(1);
  expect(sink.to('later-c@customers.example').length).toBeGreaterThan(0);
  // A customer who cannot be reached is skipped.
  expect((await stack.untilPhase('gone-c', 'done')).survey).toEqual({ state: 'skipped', reason: 'suppressed' });
  expect((await stack.untilPhase('policy-c', 'done')).survey).toEqual({
    state: 'undeliverable',
    reason: 'MailRefused',
  });
  expect(sink.attempts.get('gone-c@customers.example')).toBe(1);
});

test('an operator can close a report without confirmation while the mail server is down', async () => {
  await sink.close();
  const id = await stack.open('down-c', { ticketType: 'confirmed' });
  await stack.client.clear(id);
  await stack.untilPhase(id, 'confirming');
  await until('the claim', async () => (await stack.client.surveys.ofCycle(id, 1))?.confirmation === 'queued');
  await stack.client.operate('release', id, { by: 'eve' });
  await stack.untilPhase(id, 'surveying');
  await sink.listen(port);
  await retryNow(stack, id);
  await stack.untilSurvey(id, 'sent'); // by an ordinary mail, since nobody was asked before
  expect(sink.to('down-c@customers.example')).toHaveLength(1);
});

test('refused content leaves the report closed and the survey undeliverable', async () => {
  const id = await stack.open('policy-1');
  await stack.client.clear(id);
  expect(await stack.untilPhase(id, 'done')).toMatchObject({
    survey: { state: 'undeliverable', reason: 'MailRefused' },
  });
  expect((await stack.client.get(id)).status).toBe('closed');
});

test('a mail server that is down for the whole closing holds up no closing; the surveys go out after', async () => {
  await sink.close();
  const ids = await Promise.all(['out-1', 'out-2', 'out-3'].map((id) => stack.open(id)));
  for (const id of ids) await stack.client.clear(id);
  for (const id of ids) {
    await stack.untilStatus(
      id,
      'closed, the mail waiting',
      ({ phase, survey }) => phase === 'surveying' && survey.state === 'none',
    );
    expect((await stack.client.get(id)).status).toBe('closed');
  }
  await sink.listen(port);
  for (const id of ids) await retryNow(stack, id);
  for (const id of ids) await stack.untilSurvey(id, 'sent');
  for (const id of ids) expect(new Set(sink.to(`${id}@customers.example`)).size).toBe(1);
});

test('reopened while the mail waits: no mail, and the survey says why', async () => {
  await sink.close();
  const id = await stack.open('waits-1');
  await stack.client.clear(id);
  await stack.untilStatus(
    id,
    'the mail waiting',
    ({ phase, survey }) => phase === 'surveying' && survey.state === 'none',
  );
  await until('the claim', async () => (await stack.client.surveys.ofCycle(id, 1))?.state === 'queued');
  await stack.client.reopen(id);
  await stack.untilPhase(id, 'open', 2);
  await sink.listen(port);
  expect(await stack.client.surveys.ofCycle(id, 1)).toMatchObject({ state: 'skipped', reason: 'reopened' });
  expect(sink.to('waits-1@customers.example')).toHaveLength(0);
});

test('a relay that refuses us is our fault: the report closes, an operator is alerted once, the survey goes out after', async () => {
  refusesUs = true;
  await sink.close();
  await sink.listen(port); // whoever was connected is not any more
  const ids = await Promise.all(['login-1', 'login-2'].map((id) => stack.open(id)));
  for (const id of ids) await stack.client.clear(id);
  for (const id of ids) {
    const status = await stack.untilStatus(id, 'waiting for the relay', ({ attention }) => attention !== undefined);
    expect(status).toMatchObject({
      phase: 'surveying',
      attention: { step: 'sendSurvey', failure: 'MailMisconfigured' },
    });
    expect((await stack.client.get(id)).status).toBe('closed');
  }
  const confirming = await stack.open('login-c', { ticketType: 'confirmed' });
  await stack.client.clear(confirming);
  expect(await stack.untilStatus(confirming, 'waiting', ({ attention }) => attention !== undefined)).toMatchObject({
    phase: 'confirming',
    attention: { step: 'askConfirmation', failure: 'MailMisconfigured' },
  });
  refusesUs = false;
  for (const id of [...ids, confirming]) await retryNow(stack, id);
  for (const id of ids) await stack.untilSurvey(id, 'sent');
  await stack.untilAsked(confirming);
  const alerts = await until('the alert', () => {
    const mails = sink.to('operator@closeout.example').filter((raw) => raw.includes('The mail relay refuses our mail'));
    return mails.length > 0 && mails;
  });
  expect(new Set(alerts).size).toBe(1);
  for (const id of ids) expect(sink.to(`${id}@customers.example`)).toHaveLength(1);
});

test('a sender rejected at RCPT or after DATA loses no survey and closes no unconfirmed report', async () => {
  refusesSender = true;
  for (const id of ['rcpt-1', 'data-1']) await stack.open(id);
  await stack.open('rcpt-c', { ticketType: 'confirmed' });
  const ids = ['rcpt-1', 'data-1', 'rcpt-c'];
  for (const id of ids) await stack.client.clear(id);
  for (const id of ids)
    expect(
      await stack.untilStatus(id, 'waiting for the relay', ({ attention }) => attention !== undefined),
    ).toMatchObject({ attention: { code: 'MailMisconfigured' } });
  expect((await stack.client.get('rcpt-c')).status).toBe('resolved');
  refusesSender = false;
  for (const id of ids) await retryNow(stack, id);
  for (const id of ['rcpt-1', 'data-1']) await stack.untilSurvey(id, 'sent');
  await stack.untilAsked('rcpt-c');
});

test('letters outside ASCII before the @ never reach a relay that does not take them', async () => {
  const id = await stack.open('eai-1', { contact: { emailAddress: 'änne@customers.example' } });
  await stack.client.clear(id);
  expect((await stack.untilPhase(id, 'done')).survey).toEqual({ state: 'undeliverable', reason: 'EAIUnsupported' });
  expect(sink.commands.join()).not.toContain('nne@');
  const idn = await stack.open('idn-1', { contact: { emailAddress: 'anne@münchen.example' } });
  await stack.client.clear(idn);
  await stack.untilSurvey(idn, 'sent');
  expect(sink.commands).toContainEqual(expect.stringContaining('RCPT TO:<anne@xn--mnchen-3ya.example>'));
});

test('a mail that takes longer than a workflow task, and a signal meanwhile: its task starts over, and the mail goes out once', async () => {
  const id = await stack.open('slow-1');
  await stack.client.clear(id);
  await until('the relay to have the mail', () => sink.to('slow-1@customers.example').length > 0);
  const events = async () => (await stack.history(id)).events ?? [];
  const tasks = async () => (await events()).filter((event) => event.workflowTaskStartedEventAttributes).length;
  const before = await tasks();
  await until('the task to be prolonged twice', async () => (await tasks()) >= before + 2);
  await stack.signal(id, 'cleared');
  await until('the run to have the signal', async () => {
    const seen = await events();
    const signalled = seen.filter((event) => event.workflowExecutionSignaledEventAttributes);
    const sinceThen = seen.slice(seen.indexOf(signalled[1] ?? {}) + 1);
    return signalled.length === 2 && sinceThen.some((event) => event.workflowTaskStartedEventAttributes);
  });
  acceptSlow('250 2.0.0 taken');
  await stack.untilSurvey(id, 'sent');
  expect(sink.to('slow-1@customers.example')).toHaveLength(1);
  const failures = (await events()).flatMap((event) => event.workflowTaskFailedEventAttributes?.failure ?? []);
  expect(failures.filter((failure) => !isTaskTimedOut(failure))).toEqual([]);
});

test('no report, mail or answer was lost or duplicated', async () => {
  expect(await brokenInvariants(stack, { mailsOf: () => sink.mails() })).toEqual([]);
});

test('no address, name or link of a customer is in any history or log', async () => {
  const ids = ['drop-1', 'later-1', 'gone-1', 'policy-1', 'out-1', 'waits-1'];
  const histories = await Promise.all(ids.map((id) => stack.history(id)));
  const { readFile } = await import('node:fs/promises');
  const logs = await Promise.all(
    ['worker', 'gateway', 'temporal'].map((name) => readFile(`${stack.dataDir}/logs/${name}.log`, 'utf8')),
  );
  const text = histories.map((history) => decoded(history)).join('\n') + logs.join('\n');
  expect(text).toContain('drop-1'); // the search does find what is there
  for (const secret of ['@customers.example', 'Ann drop-1', '/s/', 'No dial tone']) expect(text).not.toContain(secret);
});
