/** Runs that go on with what they find when they look their report up again. */
import type { ConfirmationRecord } from '../../src/contract/survey.js';
import { defaultConfirmation, defaultPolicy } from '../../src/policy/settings.js';
import { hour } from '../../src/policy/time.js';
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
    const second = await lookUp.call(2);
    expect(second.input.known).toMatchObject({ state: 'closed' });
    second.succeed(lookedUp(second.input.runId, { ...closed, rev: second.input.known?.rev }));
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
    const second = await lookUp.call(2);
    second.succeed(lookedUp(second.input.runId, { cycle: 2, rev: 9 }));
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
