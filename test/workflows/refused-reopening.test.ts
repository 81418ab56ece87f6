/** A reopening that the system of record refuses, until an operator says what becomes of it. */
import { ApplicationFailure } from '@temporalio/common';
import type { Alert } from '../../src/contract/messages.js';
import { stateInWords } from '../../src/policy/state-in-words.js';
import { controlled, lookedUp, ScriptedProcess, written, type Input, type Script } from '../stack/scripted-process.js';
import { until } from '../stack/waiting.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

/** `again`: what comes after the refusal. */
function refusedOnce(again: Script['reopenReport']) {
  const left: Input<'endReportInLedger'>[] = [];
  const alerts: Alert[] = [];
  let attempts = 0;
  const script: Script = {
    lookUpReport: ({ runId }) =>
      Promise.resolve(attempts === 0 ? lookedUp(runId) : lookedUp(runId, { state: 'open', cycle: 2, rev: 9 })),
    sendSurvey: () => Promise.resolve({ state: 'sent', id: 'survey-1', sentAt: new Date().toISOString() }),
    reopenReport: (input) =>
      attempts++ === 0
        ? Promise.reject(ApplicationFailure.nonRetryable('it may not be reopened', 'SystemRefused'))
        : (again as NonNullable<typeof again>)(input),
    endReportInLedger: (input) => {
      left.push(input);
      const survey = { state: 'skipped' as const, reason: 'byOperator', id: 'survey-2' };
      return Promise.resolve({ ...written(input.byHand ? 'closed' : 'cancelled', 2), survey });
    },
    alertOperator: (alert) => Promise.resolve(alerts.push(alert) > 0),
  };
  return { left, alerts, script };
}

async function parked(reportId: string, script: Script) {
  const run = await process.begin(reportId, script);
  await run.signal('cleared');
  await run.until('sent', ({ survey }) => survey.state === 'sent');
  await run.signal('reopened', { by: 'customer', id: 'change-1' });
  await run.until('parked', ({ attention }) => attention?.step === 'reopenReport');
  return run;
}

const never = () => Promise.reject(new Error('is not tried again'));

test('a refused reopening that an operator closes by hand is closed in the ledger, too', async () => {
  const { left, script } = refusedOnce(never);
  const run = await parked('HAND-1', script);
  await run.update('closeByHand', { note: 'stays closed' });
  expect(await run.result()).toMatchObject({
    outcome: 'closed',
    cycle: 2,
    survey: { outcome: 'skipped:byOperator' },
  });
  expect(left).toMatchObject([{ byHand: { by: 'eve', note: 'stays closed' } }]);
});

test('a refused reopening that an operator cancels is cancelled in the ledger, too', async () => {
  const { left, script } = refusedOnce(never);
  const run = await parked('CANCEL-1', script);
  await run.signal('cancelled', { by: 'eve' });
  expect(await run.result()).toMatchObject({ outcome: 'cancelled', cycle: 2 });
  expect(left).toMatchObject([{ change: { kind: 'cancelled', by: 'eve' } }]);
});

test('a refused reopening that is repeated while an operator ends it takes effect', async () => {
  const leaving = controlled<'endReportInLedger'>();
  const { script } = refusedOnce(() => Promise.resolve(written('open', 2)));
  const run = await parked('AGAIN-1', { ...script, endReportInLedger: leaving.activity });
  const closed = run.update('closeByHand', { note: 'stays closed' });
  const { succeed } = await leaving.call(1);
  await closed;
  await run.signal('reopened', { by: 'noc' });
  succeed({ ...written('closed', 1), survey: { state: 'sent', id: 'survey-1' } });
  await run.until('open', ({ phase, cycle }) => phase === 'open' && cycle === 2);
  await run.signal('cancelled');
  expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
});

test('a refused reopening is not left by a cancellation that does not count', async () => {
  let again = 0;
  const { left, script } = refusedOnce(() => Promise.resolve(written('open', 1 + ++again)));
  const run = await parked('LATE-1', script);
  await run.signal('cancelled', { id: 'change-1' });
  await run.until('open', ({ phase, cycle }) => phase === 'open' && cycle === 2);
  expect({ left, again }).toEqual({ left: [], again: 1 });

  await run.signal('cancelled');
  expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
});

test('a refused reopening that succeeds later alerts an operator to what the customer said, although the run has written since', async () => {
  const { alerts, script } = refusedOnce(() => Promise.resolve({ ...written('open', 2), isSuperseded: true }));
  const run = await parked('RETRIED-1', script);
  await run.update('retryNow');
  await run.until('open', ({ phase, cycle }) => phase === 'open' && cycle === 2);
  await run.signal('cancelled');
  await run.result();
  await until('the alert', () => alerts.length > 0); // has a run of its own
  expect(alerts).toMatchObject([{ kind: 'notFixed', reportId: 'RETRIED-1', cycle: 1 }]);
});

test('while the system of record does not answer, the status says what is being changed, and the change can be retried', async () => {
  for (const [id, signal, step, change] of [
    ['SILENT-1', 'cancelled', 'cancelReport', 'cancelled'],
    ['SILENT-2', 'reopened', 'reopenReport', 'reopened'],
  ] as const) {
    let attempts = 0;
    const answers = () =>
      ++attempts === 1
        ? Promise.reject(ApplicationFailure.create({ message: 'no answer', nextRetryDelay: '1h' }))
        : Promise.resolve(written(change === 'cancelled' ? 'cancelled' : 'open', 2));
    const run = await process.begin(id, {
      [step]: answers,
      sendSurvey: () => Promise.resolve({ state: 'sent', id: 'survey-1', sentAt: new Date().toISOString() }),
    });
    await run.until('open', ({ waitingFor }) => waitingFor.includes('cleared'));
    if (signal === 'reopened') {
      await run.signal('cleared');
      await run.until('sent', ({ survey }) => survey.state === 'sent');
    }
    await run.signal(signal);
    const status = await run.until('changing', (now) => now.change === change);
    expect(stateInWords(status, String)).toMatchObject({
      sentence: `Being ${change}: the system of record has not confirmed it yet.`,
      command: `closeout retry ${id}`,
    });
    await until('the first attempt', () => attempts === 1);
    await run.update('retryNow');
    await until('the second attempt', () => attempts === 2);
  }
});
