import { post } from '../stack/http.js';
import { askToConfirm, confirmationPolicy as policy, confirmLink } from '../stack/confirmation.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: { CLOSEOUT_WATCH_SECONDS: '100000' } });
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
    await stack.client.clear('TWICE-1');
    await stack.untilAsked('TWICE-1');
  }
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
