import { post } from '../stack/http.js';
import { inParallel } from '../stack/in-parallel.js';
import { linkIn } from '../stack/mail.js';
import { clock, inMinutes, quietNow } from '../stack/quiet-hours.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
let opening: Date;
beforeAll(async () => {
  const policy = () => {
    opening = new Date(Math.ceil(inMinutes(0.2).getTime() / 60_000) * 60_000);
    return `
default:
  survey: { contactCap: null }
rules:
  - when: { ticketType: capped }
    survey: { contactCap: { count: 1, per: 7d } }
  - when: { ticketType: quiet }
    survey: { quietHours: ${JSON.stringify(quietNow())} }
  - when: { ticketType: opening }
    survey: { quietHours: { from: "${clock(inMinutes(-180))}", to: "${clock(opening)}" } }
  - when: { ticketType: once }
    survey: { perCycle: once }
  - when: { ticketType: replace }
    survey: { perCycle: replace }
  - when: { ticketType: nobody }
    survey: { sample: 0 }
  - when: { customerId: vip }
    survey: { enabled: false }
  - when: { ticketType: delayed }
    survey: { delay: 6s }
`;
  };
  stack = await Stack.start({ policy: policy() });
});
afterAll(() => stack.end());

test('quiet hours hold the mail until the customer’s day begins', async () => {
  const id = await stack.open('OPEN-1', { ticketType: 'opening' });
  await stack.client.clear(id);
  if (Date.now() < opening.getTime() - 10_000) {
    const status = await stack.untilPostponed(id);
    expect(status).toMatchObject({ until: opening.toISOString(), survey: { state: 'none' } });
    expect(await stack.mails(id)).toHaveLength(0);
  }
  await until('the day to begin', () => Date.now() >= opening.getTime(), 90_000);
  const [mail] = await stack.untilMails(id, 1);
  expect(mail?.date?.getTime()).toBeGreaterThanOrEqual(opening.getTime());
});

test('reopened in the quiet hours: no mail, and the survey says why, in run and store', async () => {
  const id = await stack.open('QUIET-1', { ticketType: 'quiet' });
  await stack.client.clear(id);
  await stack.untilPostponed(id);
  await stack.client.reopen(id);
  await stack.untilPhase(id, 'open', 2);
  expect(await stack.client.surveys.ofCycle(id, 1)).toMatchObject({ state: 'skipped', reason: 'reopened' });
  expect(await stack.mails(id)).toHaveLength(0);
  const query = `WorkflowId="problem-report:${id}" AND CloseoutSurvey="skipped:reopened"`;
  await until('the run to show it', async () => (await stack.temporal.workflow.count(query)).count === 1);
});

test('reopened during the delay: no mail, and one reason', async () => {
  const id = await stack.open('DELAY-1', { ticketType: 'delayed' });
  await stack.client.clear(id);
  await stack.untilPostponed(id);
  await stack.client.reopen(id);
  await stack.untilPhase(id, 'open', 2);
  expect(await stack.client.surveys.ofReport(id)).toMatchObject([{ cycle: 1, state: 'skipped', reason: 'reopened' }]);
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent'); // the delay began anew
  expect(await stack.mails(id)).toHaveLength(1);
});

test('200 reports of one customer cleared at once, two workers: one survey, 199 with the reason', async () => {
  const { end } = await stack.secondWorker();
  const ids = Array.from({ length: 200 }, (_, index) => `CAP-${index}`);
  const customerId = 'customer-of-many';
  await inParallel(ids, (id) => stack.open(id, { ticketType: 'capped', customerId }));
  await inParallel(ids, (id) => stack.client.clear(id));
  const words: string[] = [];
  for (const id of ids) {
    const { survey } = await stack.untilStatus(id, 'decided', ({ survey: { state } }) => state !== 'none');
    words.push(survey.state === 'skipped' ? `skipped:${survey.reason}` : survey.state);
  }
  await end();
  expect(words.filter((word) => word === 'sent')).toHaveLength(1);
  expect(words.filter((word) => word === 'skipped:contactCap')).toHaveLength(199);
  const mails = (await stack.mails()).filter(({ subject = '' }) => / CAP-\d+$/.test(subject));
  expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
});

test('a survey counts for the contact cap from when it was sent, however long after its decision', async () => {
  const customerId = 'C-LATE';
  await stack.ask('SENT-1', { ticketType: 'capped', customerId });
  await stack.sql(`update surveys set decided_at = decided_at - interval '100 days' where report_id = 'SENT-1'`);
  await stack.open('SENT-2', { ticketType: 'capped', customerId });
  await stack.client.clear('SENT-2');
  expect((await stack.untilPhase('SENT-2', 'done')).survey).toEqual({ state: 'skipped', reason: 'contactCap' });
});

test('a report cleared again is exempt from the contact cap', async () => {
  const id = await stack.open('AGAIN-1', { ticketType: 'capped' });
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  await stack.client.reopen(id);
  await stack.untilPhase(id, 'open', 2);
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const [first, second] = await stack.mails(id);
  expect(second?.references).toBe(first?.messageId); // both stand in one thread
});

test('policy "once" asks once per report; "replace" counts the newest answer only', async () => {
  const again = async (id: string, ticketType: string) => {
    await post(linkIn(await stack.ask(id, { ticketType })), { score: '1' });
    await stack.untilPhase(id, 'done');
    await stack.client.reopen(id);
    await stack.untilPhase(id, 'open', 2);
    await stack.client.clear(id);
    return stack.untilStatus(id, 'asked or not', ({ cycle, survey }) => cycle === 2 && survey.state !== 'none');
  };
  expect((await again('ONCE-1', 'once')).survey).toEqual({ state: 'skipped', reason: 'once' });
  expect((await again('REPL-1', 'replace')).survey).toEqual({ state: 'sent' });
  expect((await stack.client.surveys.ofCycle('REPL-1', 1))?.state).toBe('superseded');
});

test('one survey per customer and service problem; none by sampling or for those excluded', async () => {
  const fault = { customerId: 'customer-sp', serviceProblemId: 'SP-1' };
  await stack.ask('SP-A', fault);
  const skipped = async (id: string, report: object) => {
    await stack.open(id, report);
    await stack.client.clear(id);
    return (await stack.untilPhase(id, 'done')).survey;
  };
  expect(await skipped('SP-B', fault)).toEqual({ state: 'skipped', reason: 'serviceProblem' });
  expect(await skipped('SAMPLE-1', { ticketType: 'nobody' })).toEqual({ state: 'skipped', reason: 'sampledOut' });
  expect(await skipped('VIP-1', { customerId: 'vip' })).toEqual({ state: 'skipped', reason: 'disabled' });
  await stack.open('GONE-1');
  await stack.client.cancel('GONE-1');
  await stack.untilPhase('GONE-1', 'done');
  expect(await stack.client.surveys.ofCycle('GONE-1', 1)).toMatchObject({ state: 'skipped', reason: 'cancelled' });
  const metrics = await (await fetch(stack.url('/metrics'))).text();
  for (const reason of ['serviceProblem', 'sampledOut', 'disabled', 'cancelled'])
    expect(metrics).toContain(`closeout_surveys{state="skipped",reason="${reason}"} 1`);
});
