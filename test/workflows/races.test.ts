import { ApplicationFailure } from '@temporalio/common';
import type { ConfirmationRecord } from '../../src/contract/survey.js';
import { defaultConfirmation, defaultPolicy, type Confirmation } from '../../src/policy/settings.js';
import { minute } from '../../src/policy/time.js';
import {
  controlled,
  controlledAfterLocal,
  lookedUp,
  ScriptedProcess,
  toBeConfirmed,
  written,
  type Input,
  type Output,
} from '../stack/scripted-process.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

const refused = () => ApplicationFailure.nonRetryable('only a cleared report can be closed', 'ClosureRefused');

describe('while a report is being closed', () => {
  test('a reopening stops the attempt, and the report is closed once it is cleared again', async () => {
    const close = controlledAfterLocal<'closeReport'>();
    const run = await process.begin('STOP-1', { closeReport: close.activity });
    await run.signal('cleared');
    await close.call(1);
    await run.signal('reopened');
    await run.until('open', ({ phase }) => phase === 'open');
    await run.signal('cleared');
    const second = await close.call(2);
    second.succeed(written('closed'));
    expect(await run.result()).toMatchObject({ outcome: 'closed', cycle: 1 });
  });

  test('a closing that fails as it is retried is not lost: the retry counts', async () => {
    const close = controlledAfterLocal<'closeReport'>();
    const run = await process.begin('RETRY-1', { closeReport: close.activity });
    await run.signal('cleared');
    const first = await close.call(1);
    const retried = run.update('retryNow');
    first.fail(refused());
    await retried;
    const second = await close.call(2);
    second.succeed(written('closed'));
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });

  test('a change that the system of record knows first is followed', async () => {
    const run = await process.begin('NEWER-1', { closeReport: () => Promise.resolve(written('cancelled')) });
    await run.signal('cleared');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('the closing', () => {
  test('is done within the workflow task, in one event', async () => {
    const close = controlled<'closeReport'>();
    const run = await process.begin('LOCAL-1', { closeReport: close.activity });
    await run.signal('cleared');
    (await close.call(1)).succeed(written('closed'));
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
    expect([close.calls.length, await run.activities()]).toEqual([1, ['lookUpReport']]);
  });

  test('is done by an activity if that fails, and parked if it is refused', async () => {
    const close = controlled<'closeReport'>();
    const run = await process.begin('LOCAL-2', { closeReport: close.activity });
    await run.signal('cleared');
    (await close.call(1)).fail(new Error('no connection'));
    (await close.call(2)).fail(refused());
    await run.until('parked', ({ attention }) => attention?.code === 'ClosureRefused');
    await run.update('retryNow');
    (await close.call(3)).succeed(written('closed'));
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
    expect(close.calls.length).toBe(3);
  });
});

describe('a parked run', () => {
  test('names the step and the code, and continues where it was after a retry', async () => {
    const close = controlledAfterLocal<'closeReport'>();
    const run = await process.begin('PARK-1', { closeReport: close.activity });
    await run.signal('cleared');
    (await close.call(1)).fail(refused());
    const parked = await run.until('parked', ({ phase }) => phase === 'needsAttention');
    expect(parked.attention).toMatchObject({ step: 'closeReport', code: 'ClosureRefused' });
    expect((await run.update('retryNow')).phase).toBe('needsAttention');
    const second = await close.call(2);
    expect((await run.status()).phase).toBe('closing');
    second.succeed(written('closed'));
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });

  test('ends with a cancellation, and forgets a closing by hand that did not help', async () => {
    const closings: boolean[] = [];
    const run = await process.begin('PARK-2', {
      closeReport: ({ byHand }) => {
        closings.push(byHand !== undefined);
        return Promise.reject(refused());
      },
    });
    await run.signal('cleared');
    const first = await run.until('parked', ({ phase }) => phase === 'needsAttention');
    await run.update('closeByHand', { note: 'closed elsewhere' });
    await run.until(
      'parked again',
      ({ attention }) => attention !== undefined && attention.since !== first.attention?.since,
    );
    await run.update('retryNow');
    await run.until('the last attempt', () => closings.length === 4);
    expect(closings).toEqual([false, false, true, false]); // first as a local activity
    await run.until('parked again', ({ phase }) => phase === 'needsAttention');
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('in the hold-down', () => {
  test('a report that is reopened and cleared at once starts the hold-down over', async () => {
    const wait = () => ({ for: 'holdDown' as const, until: new Date(Date.now() + minute).toISOString() });
    const closeReport = () => Promise.resolve({ ...written('cleared'), wait: wait() });
    const run = await process.begin('FLAP-1', { closeReport }, { holdDown: minute });
    await run.signal('cleared');
    const first = await run.until('clearing', ({ phase, until }) => phase === 'clearing' && until !== undefined);
    await run.signal('reopened');
    await run.signal('cleared');
    const second = await run.until('clearing again', ({ until }) => until !== undefined && until !== first.until);
    expect(second.phase).toBe('clearing');
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('while the customer is asked to confirm', () => {
  const asked = ({ clearing }: Input<'askConfirmation'>, end = minute): ConfirmationRecord => ({
    surveyId: 'survey-1',
    state: 'sent',
    clearedAt: clearing.at,
    closesAt: new Date(Date.now() + end).toISOString(),
  });
  const confirmation: Confirmation = { ...defaultConfirmation, businessHours: null };

  test('a "no" reopens the report, whatever is stated later about this clearing', async () => {
    const run = await process.begin(
      'NO-1',
      { askConfirmation: (input) => Promise.resolve(asked(input)) },
      { confirmation },
    );
    await run.signal('cleared', { at: '2026-03-01T12:00:00Z' });
    await run.until('asked', ({ confirmation: state }) => state === 'sent');
    await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: '2026-03-01T12:00:00.000Z', fixed: false });
    await run.until('open', ({ phase }) => phase === 'open');
    await run.signal('cleared', { at: '2026-03-01T12:00:00Z' }); // repeated, and older than the customer's "no"
    expect((await run.status()).phase).toBe('open');
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });

  test('a hold stops the question that waits for quiet hours, and the release asks it', async () => {
    const ask = controlledAfterLocal<'askConfirmation'>();
    const run = await process.begin('HOLD-0', { askConfirmation: ask.activity }, { confirmation });
    await run.signal('cleared');
    (await ask.call(1)).succeed({ postponedUntil: new Date(Date.now() + 60 * minute).toISOString() });
    await run.until('postponed', ({ waitingFor }) => waitingFor.includes('quiet hours'));
    await run.update('hold');
    await run.until('held', ({ waitingFor }) => waitingFor.includes('release'));
    await run.update('release');
    const { input, succeed } = await ask.call(2);
    succeed(asked(input));
    expect(await run.until('asked', ({ confirmation: state }) => state === 'sent')).toMatchObject({
      phase: 'confirming',
    });
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });

  test('a hold outlives the customer\'s "yes"', async () => {
    const closings: Output<'closeReport'>[] = [toBeConfirmed, { ...written('cleared'), wait: { for: 'release' } }];
    const run = await process.begin(
      'HOLD-1',
      {
        askConfirmation: (input) => Promise.resolve(asked(input)),
        closeReport: () => Promise.resolve(closings.shift() ?? written('closed')),
      },
      { confirmation },
    );
    await run.signal('cleared', { at: '2026-03-01T12:00:00Z' });
    await run.until('asked', ({ confirmation: state }) => state === 'sent');
    await run.update('hold');
    await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: '2026-03-01T12:00:00.000Z', fixed: true });
    const held = await run.until('confirmed', ({ confirmation: state }) => state === 'yes');
    expect(held).toMatchObject({ phase: 'confirming', held: true });
    await run.update('release');
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });

  test('a "no" reopens a report that is held', async () => {
    const run = await process.begin(
      'HOLD-2',
      { askConfirmation: (input) => Promise.resolve(asked(input)) },
      { confirmation },
    );
    await run.signal('cleared', { at: '2026-03-01T12:00:00Z' });
    await run.until('asked', ({ confirmation: state }) => state === 'sent');
    await run.update('hold');
    await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: '2026-03-01T12:00:00.000Z', fixed: false });
    await run.until('open', ({ phase, held }) => phase === 'open' && held);
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });

  test.each(['sent', 'no'] as const)(
    'a run that continues held, with the confirmation %s, acts on a "no"',
    async (state) => {
      const at = '2026-03-01T12:00:00.000Z';
      const closesAt = new Date(Date.now() + minute).toISOString();
      const standing = {
        state: 'cleared' as const,
        clearing: { at, receivedAt: at },
        hold: { by: 'eve', since: at },
        confirmation: { surveyId: 'survey-1', state, clearedAt: at, closesAt },
      };
      const looked = { ...standing, policy: { ...defaultPolicy, confirmation } };
      const run = await process.begin(`HOLD-${state}`, {
        lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId, looked)),
      });
      if (state === 'sent') {
        await run.until('held', ({ phase }) => phase === 'confirming');
        await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: at, fixed: false });
      }
      await run.until('open', ({ phase, held }) => phase === 'open' && held);
      await run.signal('cancelled');
      expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
    },
  );

  test('the policy of the clearing counts, not the one that the run knew before', async () => {
    const strict = { ...confirmation, onSilence: 'hold' as const };
    const run = await process.begin(
      'TODAY-1',
      {
        closeReport: () => Promise.resolve({ ...toBeConfirmed, policy: { ...defaultPolicy, confirmation: strict } }),
        askConfirmation: (input) => Promise.resolve(asked(input, -1)),
      },
      { confirmation },
    );
    await run.signal('cleared');
    await run.until('parked', ({ attention }) => attention?.code === 'NotConfirmed');
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });

  test('a reply ends the parking that silence began', async () => {
    const run = await process.begin(
      'LATE-1',
      { askConfirmation: (input) => Promise.resolve(asked(input, -1)) },
      { confirmation: { ...confirmation, onSilence: 'hold' } },
    );
    await run.signal('cleared', { at: '2026-03-01T12:00:00Z' });
    const parked = await run.until('parked', ({ phase }) => phase === 'needsAttention');
    expect(parked.attention).toMatchObject({ step: 'askConfirmation', code: 'NotConfirmed' });
    await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: '2026-03-01T12:00:00.000Z', fixed: true });
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });
});

test('before the report was looked up, every signal counts in its turn', async () => {
  const lookUp = controlled<'lookUpReport'>();
  const run = await process.begin('EARLY-1', { lookUpReport: lookUp.activity });
  await run.signal('cleared', { at: '2026-03-01T12:00:00Z' });
  await run.signal('reopened', { at: '2026-03-01T12:01:00Z' });
  const first = await lookUp.call(1);
  first.succeed(lookedUp(first.input.runId));
  await run.until('looked up', ({ cycle }) => cycle === 1);
  expect((await run.status()).phase).toBe('open');
  await run.signal('cleared', { at: '2026-03-01T12:02:00Z' });
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
});

test('what an operator decides counts although another run wrote before it: the run takes over first', async () => {
  const lookUp = controlled<'lookUpReport'>();
  const record = controlled<'recordDecision'>();
  const run = await process.begin('TAKEN-1', { lookUpReport: lookUp.activity, recordDecision: record.activity });
  const first = await lookUp.call(1);
  first.succeed(lookedUp(first.input.runId));
  const held = run.update('hold');
  for (const n of [1, 2]) (await record.call(n)).succeed({ ...written('open'), isSuperseded: true });
  const second = await lookUp.call(2);
  expect(record.calls).toHaveLength(2);
  second.succeed(lookedUp(second.input.runId, { rev: 5 }));
  const third = await record.call(3);
  expect(third.input.fence.rev).toBeGreaterThan(5);
  third.succeed(written('open'));
  expect(await held).toMatchObject({ held: true });
});
