/** Runs that go on with what they find when they look their report up again. */
import type { ConfirmationRecord } from '../../src/contract/survey.js';
import { defaultConfirmation, defaultPolicy } from '../../src/policy/settings.js';
import { hour, second } from '../../src/policy/time.js';
import { controlled, lookedUp, ScriptedProcess, written } from '../stack/scripted-process.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

const at = '2026-03-01T12:00:00.000Z';
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
const closed = { state: 'closed' as const, clearing: { at, receivedAt: at }, closedAt: at };

describe('a survey mail', () => {
  test('that the report does not fit is sent once the run has looked again', async () => {
    const lookUp = controlled<'lookUpReport'>();
    const send = controlled<'sendSurvey'>();
    const run = await process.begin('UNASKED-1', { lookUpReport: lookUp.activity, sendSurvey: send.activity });
    await run.signal('cleared');
    const first = await lookUp.call(1);
    first.succeed(lookedUp(first.input.runId));
    (await send.call(1)).succeed({ unasked: true }); // the database was restored to before the closing
    const again = await lookUp.call(2);
    expect(again.input.known).toMatchObject({ state: 'closed' });
    again.succeed(lookedUp(again.input.runId, { ...closed, rev: again.input.known?.rev }));
    (await send.call(2)).succeed({ state: 'skipped', reason: 'sampledOut' });
    expect(await run.result()).toMatchObject({ outcome: 'closed', survey: { outcome: 'skipped:sampledOut' } });
  });

  test('is not sent if the report turns out to be open', async () => {
    const lookUp = controlled<'lookUpReport'>();
    const run = await process.begin('UNASKED-2', {
      lookUpReport: lookUp.activity,
      sendSurvey: () => Promise.resolve({ unasked: true }),
    });
    await run.signal('cleared');
    const first = await lookUp.call(1);
    first.succeed(lookedUp(first.input.runId));
    const again = await lookUp.call(2);
    again.succeed(lookedUp(again.input.runId, { cycle: 2, rev: 9 }));
    await run.until('open', ({ phase, cycle }) => phase === 'open' && cycle === 2);
  });

  test('that another channel delivers is handed over again', async () => {
    const handedOver = { handedOver: 'survey-1', until: fromNow(hour) };
    const send = controlled<'sendSurvey'>();
    const run = await process.begin('HANDED-1', {
      lookUpReport: ({ runId, known }) => Promise.resolve(lookedUp(runId, known && { ...closed, rev: known.rev })),
      sendSurvey: send.activity,
      recordDelivery: () => Promise.resolve({ state: 'expired' }),
    });
    await run.signal('cleared');
    (await send.call(1)).succeed(handedOver);
    await run.until('handed over', ({ waitingFor }) => waitingFor.includes('another channel'));
    await run.signal('lookAgain');
    (await send.call(2)).succeed(handedOver);
    await run.signal('delivered', { surveyId: 'survey-1' });
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
  });

  test('that another channel delivers after it could not at first is handed over again, too', async () => {
    const handedOver = { handedOver: 'survey-1', until: fromNow(hour) };
    const lookUp = controlled<'lookUpReport'>();
    const send = controlled<'sendSurvey'>();
    const run = await process.begin('HANDED-2', {
      lookUpReport: lookUp.activity,
      sendSurvey: send.activity,
      recordDelivery: () => Promise.resolve({ state: 'expired' }),
    });
    const resent = run.update('resendSurvey');
    const first = await lookUp.call(1);
    first.succeed(lookedUp(first.input.runId, { ...closed, survey: { state: 'undeliverable', id: 'survey-1' } }));
    await resent;
    (await send.call(1)).succeed(handedOver);
    await run.until('handed over', ({ waitingFor }) => waitingFor.includes('another channel'));
    await run.signal('lookAgain');
    const again = await lookUp.call(2);
    // It is to be delivered, whatever it was before.
    expect(again.input.known?.survey).toEqual({ state: 'none', id: 'survey-1' });
    again.succeed(lookedUp(again.input.runId, closed));
    (await send.call(2)).succeed(handedOver);
    await run.signal('delivered', { surveyId: 'survey-1' });
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
  });
});

describe('a survey that the restored database holds as not sent yet', () => {
  const survey = (expiresAt = fromNow(hour)) => ({
    state: 'sent' as const,
    id: 'survey-1',
    sentAt: fromNow(0),
    expiresAt,
  });
  const found = { ...closed, survey: survey() };

  test('is written again before its customer is reminded', async () => {
    const policy = { ...defaultPolicy, survey: { ...defaultPolicy.survey, reminderAfter: second } };
    const lookUp = controlled<'lookUpReport'>();
    const send = controlled<'sendSurvey'>();
    const run = await process.begin('FORGOTTEN-1', { lookUpReport: lookUp.activity, sendSurvey: send.activity });
    const first = await lookUp.call(1);
    first.succeed(lookedUp(first.input.runId, { ...found, policy }));
    const reminder = await send.call(1);
    expect(reminder.input.kind).toBe('reminder');
    reminder.succeed({ unasked: true });
    const again = await lookUp.call(2);
    expect(again.input.known).toMatchObject({ survey: { state: 'sent' }, reminded: false });
    again.succeed(lookedUp(again.input.runId, { ...found, policy }));
    const next = await send.call(2);
    expect(next.input.kind).toBe('reminder');
    next.succeed(survey());
    await run.until('waiting', ({ waitingFor }) => waitingFor === "the customer's answer");
  });

  test('is written again before it is extended', async () => {
    const lookUp = controlled<'lookUpReport'>();
    const extend = controlled<'extendSurvey'>();
    const run = await process.begin('FORGOTTEN-2', { lookUpReport: lookUp.activity, extendSurvey: extend.activity });
    const first = await lookUp.call(1);
    first.succeed(lookedUp(first.input.runId, found));
    await run.until('waiting', ({ waitingFor }) => waitingFor === "the customer's answer");
    await run.update('extendSurvey', { days: 3 });
    (await extend.call(1)).succeed({ state: 'none', id: 'survey-1' });
    const again = await lookUp.call(2);
    again.succeed(lookedUp(again.input.runId, found));
    const until = fromNow(5 * hour);
    (await extend.call(2)).succeed(survey(until));
    await run.until('extended', (status) => status.until === until);
  });
});

test('a warning that the restored database does not allow is sent once the run has looked again', async () => {
  const confirmation = { ...defaultConfirmation, businessHours: null };
  const asked = { surveyId: 'survey-1', state: 'sent' as const, clearedAt: at, closesAt: fromNow(hour) };
  const open = {
    state: 'cleared' as const,
    clearing: { at, receivedAt: at },
    confirmation: { ...asked, warnAt: fromNow(-second) },
    policy: { ...defaultPolicy, confirmation },
  };
  const lookUp = controlled<'lookUpReport'>();
  const ask = controlled<'askConfirmation'>();
  const run = await process.begin('WARNED-1', { lookUpReport: lookUp.activity, askConfirmation: ask.activity });
  const first = await lookUp.call(1);
  first.succeed(lookedUp(first.input.runId, open));
  (await ask.call(1)).succeed({ unasked: true });
  const again = await lookUp.call(2);
  expect(again.input.known?.confirmation).toEqual(open.confirmation); // nobody was warned
  again.succeed(lookedUp(again.input.runId, open));
  const warning = await ask.call(2);
  expect(warning.input.kind).toBe('warning');
  warning.succeed({ ...asked, warned: true });
  await run.until('waiting', ({ until }) => until === asked.closesAt);
});

describe('a confirmation that is open when its run ends the wait for it', () => {
  const confirmation = { ...defaultConfirmation, businessHours: null };
  const asked = { surveyId: 'survey-1', clearedAt: at, closesAt: fromNow(hour) };
  const found = { state: 'cleared' as const, clearing: { at, receivedAt: at } };
  const open = { ...found, confirmation: { ...asked, state: 'sent' as const } };
  const ways = [
    ['released', { ...open, releasedBy: 'eve', policy: { ...defaultPolicy, confirmation } }],
    ['unwanted', { ...open, policy: { ...defaultPolicy, confirmation: null } }], // by today's policy
  ] as const;

  test.each(ways)('is ended before the closing: %s', async (way, looked) => {
    const closings: boolean[] = [];
    const run = await process.begin(`ENDED-${way}`, {
      lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId, looked)),
      resolveConfirmation: ({ as }) => Promise.resolve({ ...asked, state: as }),
      closeReport: ({ isConfirmed }) => {
        closings.push(isConfirmed);
        return Promise.resolve(written('closed'));
      },
    });
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
    expect([closings, await run.activities()]).toEqual([[true], ['lookUpReport', 'resolveConfirmation']]);
  });

  test.each(ways)('reopens the report if the customer has said "no" first: %s', async (way, looked) => {
    const no: ConfirmationRecord = { ...asked, state: 'no' };
    const run = await process.begin(`REFUSED-${way}`, {
      lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId, looked)),
      resolveConfirmation: () => Promise.resolve(no),
    });
    await run.until('open', ({ phase }) => phase === 'open');
  });
});

test('a clearing with the stated time of one that the customer was asked about is another', async () => {
  const close = controlled<'closeReport'>();
  const run = await process.begin('SAME-TIME-1', {
    lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId, { askedAbout: at })),
    closeReport: close.activity,
  });
  await run.until('open', ({ phase }) => phase === 'open');
  await run.signal('cleared', { at, by: 'technician' });
  const { input, succeed } = await close.call(1);
  expect(Date.parse(input.clearing.at)).toBe(Date.parse(at) + 1);
  succeed(written('closed'));
  await run.result();
});
