import { workflowIdOf } from '../../src/contract/ids.js';
import { day } from '../../src/policy/time.js';
import { post } from '../stack/http.js';
import { askToConfirm, confirmationPolicy as policy, confirmLink } from '../stack/confirmation.js';
import { type SeenMail } from '../stack/mail.js';
import { plainMail } from '../stack/incoming-mails.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: noSweep });
});
afterAll(() => stack.end());

test('a customer who never got the question, and so was silent, is mailed the survey when an operator says so', async () => {
  await stack.open('DEAD-1', { ticketType: 'brief' });
  await stack.client.clear('DEAD-1');
  await stack.untilSurvey('DEAD-1', 'sent');
  const { id: surveyId } = (await stack.client.surveys.ofCycle('DEAD-1', 1)) ?? {};
  const mails = await stack.mails('DEAD-1');
  await stack.signal('DEAD-1', 'bounced', JSON.stringify({ surveyId, reason: '4.4.1' }));
  await stack.untilSurvey('DEAD-1', 'undeliverable');
  expect((await stack.closeout('resend-survey', 'DEAD-1', '--by', 'eve')).code).toBe(0);
  await stack.untilSurvey('DEAD-1', 'sent');
  const [survey] = (await stack.untilMails('DEAD-1', mails.length + 1)).slice(mails.length);
  expect(survey?.text).toContain('/s/');
});

test('a held report is asked about once it is released; one that is held meanwhile gets no survey before it is closed', async () => {
  await stack.open('HELD-2');
  await stack.client.operate('hold', 'HELD-2', { by: 'eve' });
  await stack.client.clear('HELD-2');
  await stack.untilHeld('HELD-2');
  expect(await stack.mails('HELD-2')).toHaveLength(0);
  await stack.client.operate('release', 'HELD-2', { by: 'eve' });
  const [mail] = await stack.untilMails('HELD-2', 1);
  await stack.client.operate('hold', 'HELD-2', { by: 'eve' });
  await post(confirmLink(mail as SeenMail), { fixed: 'yes' });
  const refreshOf = async () => (await fetch(confirmLink(mail as SeenMail))).headers.get('refresh');
  expect(await refreshOf()).toBe('5');
  await stack.sql(`update surveys set confirmed_at = now() - interval '2 minutes' where report_id = 'HELD-2'`);
  expect(await refreshOf()).toBeNull();
  const words = await (await fetch(confirmLink(mail as SeenMail))).text();
  expect(words).toContain('Report HELD-2 is being closed.');
  expect(words).not.toContain('name="score"');
  await stack.client.operate('release', 'HELD-2', { by: 'eve' });
  await stack.untilSurvey('HELD-2', 'sent');
  expect(await (await fetch(confirmLink(mail as SeenMail))).text()).toContain('name="score"');
});

test('a "yes" about a report that is held wakes no run: it was acted on', async () => {
  const mail = await askToConfirm(stack, 'HELD-1');
  await stack.client.operate('hold', 'HELD-1', { by: 'eve' });
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(303);
  await until('the reply to be acted on', async () => {
    const found = await stack.sql(`select from surveys where report_id = 'HELD-1' and confirm_acted_on`);
    return found.length === 1;
  });
  const { notified } = await stack.client.overview.sweep();
  expect(notified.confirmed).toBeUndefined();
  expect(await stack.client.status('HELD-1')).toMatchObject({ held: true, confirmation: 'yes' });
  await stack.client.operate('release', 'HELD-1', { by: 'eve' });
  await stack.untilSurvey('HELD-1', 'sent');
});

test('a customer may say more than once in a cycle, and too late to confirm, that the problem is not solved', async () => {
  await askToConfirm(stack, 'TWICE-1');
  for (let time = 1; time <= 2; time++) {
    const survey = await stack.client.surveys.ofCycle('TWICE-1', 1);
    if (!survey) throw new Error('no survey');
    // As on the page of a customer who comes when the silence has ended, and the closing is still being tried.
    await stack.client.surveys.notSolved(survey);
    await stack.client.surveys.notSolved(survey); // pressed twice
    await stack.untilPhase('TWICE-1', 'open', 1);
    await stack.client.surveys.notSolved(survey); // and when it is open again
    await stack.client.clear('TWICE-1');
    await stack.untilAsked('TWICE-1');
  }
  await stack.sql(`update stored_reopenings set received_at = received_at - interval '1 minute'`);
  await stack.client.overview.sweep();
  expect(await stack.sql(`select from stored_reopenings where report_id = 'TWICE-1'`)).toEqual([]);
  expect(await stack.client.get('TWICE-1')).toMatchObject({ status: 'resolved', cycle: 1 });
});

test('a "no" after a "yes" opens the report again, if there is no survey in which to say so', async () => {
  const mail = await askToConfirm(stack, 'SLIP-1', { ticketType: 'unrated' });
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(303);
  await stack.untilPhase('SLIP-1', 'done');
  expect(await (await fetch(confirmLink(mail))).text()).not.toContain('<form');
  const page = await (await fetch(confirmLink(mail, 'no'))).text();
  expect(page).toContain('value="no"');
  expect(page).not.toContain('value="yes"');
  const said = await post(confirmLink(mail, 'no'), { fixed: 'no', reason: 'I pressed the wrong button' });
  expect(await said.text()).toContain('SLIP-1 is open again');
  await stack.untilPhase('SLIP-1', 'open', 2);
});

test('a reply by mail holds a report that waits for its customer, whichever of its mails it answers', async () => {
  const mail = await askToConfirm(stack, 'OLDER-1');
  await post(confirmLink(mail), { fixed: 'no' });
  await stack.untilPhase('OLDER-1', 'open');
  await stack.client.clear('OLDER-1');
  await stack.untilAsked('OLDER-1');
  await post(confirmLink(mail), { fixed: 'yes' });
  await stack.untilSurvey('OLDER-1', 'sent');
  await stack.client.reopen('OLDER-1', { by: 'noc' });
  await stack.untilPhase('OLDER-1', 'open', 2);
  await stack.client.clear('OLDER-1');
  await stack.untilAsked('OLDER-1');
  const reply = plainMail({ answers: mail.messageId ?? '', text: 'Still dead', id: '<older@c.example>' });
  expect((await stack.inbound(reply)).code).toBe(0);
  await stack.untilHeld('OLDER-1');
});

test('a hold starts the run of a report again if it was lost, for an operator and for a reply by mail', async () => {
  const mail = await askToConfirm(stack, 'GONE-1');
  const terminate = (id: string) => stack.temporal.workflow.getHandle(workflowIdOf(id)).terminate();
  await terminate('GONE-1');
  const reply = plainMail({ answers: mail.messageId ?? '', text: 'Still dead', id: '<gone@c.example>' });
  expect((await stack.inbound(reply)).code).toBe(0);
  expect(await stack.client.status('GONE-1')).toMatchObject({ held: true, hold: { by: 'closeout' } });
  await stack.open('GONE-2');
  await terminate('GONE-2');
  expect((await stack.closeout('hold', 'GONE-2', '--by', 'eve')).code).toBe(0);
  expect(await stack.client.status('GONE-2')).toMatchObject({ phase: 'open', hold: { by: 'eve' } });
});

test('a survey that was skipped because nobody could be asked to confirm is sent if the contact was corrected', async () => {
  await stack.open('BLIND-1', { severity: 'critical', contact: { name: 'Ann' } });
  await stack.client.clear('BLIND-1');
  await stack.untilPhase('BLIND-1', 'needsAttention');
  await stack.signal('BLIND-1', 'lookAgain');
  await stack.client.update('BLIND-1', { contact: { emailAddress: 'blind-1@customers.example' } });
  await stack.client.operate('release', 'BLIND-1', { by: 'eve' });
  await stack.untilSurvey('BLIND-1', 'sent');
});

test('a survey that the policy skips leaves nothing to wait for, also if its run has looked again while the customer was asked', async () => {
  const mail = await askToConfirm(stack, 'UNRATED-1', { ticketType: 'unrated' });
  await stack.signal('UNRATED-1', 'lookAgain');
  await until('its look-up', async () => {
    const { events } = await stack.temporal.workflow.getHandle(workflowIdOf('UNRATED-1')).fetchHistory();
    const types = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    return types?.includes('lookUpReport');
  });
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(303);
  expect(await stack.untilPhase('UNRATED-1', 'done')).toMatchObject({
    survey: { state: 'skipped', reason: 'disabled' },
  });
  const expectedAt = `select expected_at from reports where id = 'UNRATED-1'`;
  expect(await stack.sql(expectedAt)).toEqual([{ expected_at: null }]);
});

/** Cleared again, and released in the hold-down, so that the customer is not asked to confirm; the survey's mail. */
async function closedUnasked(id: string): Promise<SeenMail> {
  await stack.client.clear(id);
  await stack.untilPostponed(id, 'clearing');
  await stack.client.operate('release', id, { by: 'eve' });
  await stack.untilSurvey(id, 'sent');
  expect(await stack.client.get(id)).toMatchObject({ status: 'closed', cycle: 1 });
  const [, survey] = await stack.untilMails(id, 2);
  if (!survey) throw new Error(`no survey about ${id}`);
  return survey;
}

test('a reply about an earlier clearing does not count for the next', async () => {
  const mail = await askToConfirm(stack, 'STALE-1', { ticketType: 'patient' });
  await post(confirmLink(mail), { fixed: 'no' });
  await stack.untilPhase('STALE-1', 'open', 1);
  const longAgo = new Date(Date.now() - 21 * day);
  await stack.sql(`update surveys set mailed_at = $1 where report_id = 'STALE-1'`, [longAgo]);
  const survey = await closedUnasked('STALE-1');
  expect(survey.date?.getTime()).toBeGreaterThan(Date.now() - day);
});

test('a "yes" about an earlier clearing is none about the next, about which the survey is mailed', async () => {
  const mail = await askToConfirm(stack, 'STALE-2', { ticketType: 'patient' });
  await stack.client.operate('hold', 'STALE-2', { by: 'eve' });
  expect((await post(confirmLink(mail), { fixed: 'yes' })).status).toBe(303);
  await stack.client.reopen('STALE-2');
  await stack.untilPhase('STALE-2', 'open', 1);
  await stack.client.operate('release', 'STALE-2', { by: 'eve' });
  await closedUnasked('STALE-2');
});
