import { ApplicationFailure } from '@temporalio/common';
import { alertIdOf } from '../../src/contract/ids.js';
import type { Alert } from '../../src/contract/messages.js';
import { controlled, lookedUp, ScriptedProcess, written } from '../stack/scripted-process.js';
import { until } from '../stack/waiting.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

/** The alert about a report that is parked with a failure, cannot be recorded as parked, and is closed afterwards. */
async function alertAbout(reportId: string, failure: string, hasText: boolean): Promise<Alert> {
  const alerts: Alert[] = [];
  const rejected = (type: string) => Promise.reject(ApplicationFailure.nonRetryable('no', type));
  let isClosable = false;
  const run = await process.begin(reportId, {
    closeReport: () => (isClosable ? Promise.resolve(written('closed')) : rejected(failure)),
    recordDecision: () => rejected('Unexpected'),
    alertOperator: (alert) => {
      alerts.push(alert);
      return Promise.resolve(hasText);
    },
  });
  await run.signal('cleared');
  await run.until('parked', ({ phase }) => phase === 'needsAttention');
  const alert = await until('the alert', () => alerts[0]);
  isClosable = true;
  await run.update('retryNow');
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
  return alert;
}

test('a report that could not be recorded as waiting for an operator is named in the alert', async () => {
  const alert = await alertAbout('UNLISTED-1', 'ClosureRefused', true);
  expect(alert).toMatchObject({ kind: 'attention', step: 'closeReport', reportId: 'UNLISTED-1' });
});

test('an alert without affected reports waits, and looks again', async () => {
  const id = alertIdOf(await alertAbout('OVER-1', 'Unexpected', false));
  const waits = async () => (await process.eventsOf(id)).filter((event) => event.timerStartedEventAttributes);
  await until('it to wait, and look again', async () => (await waits()).length === 2);
});

test('a report that was reopened often, and cleared again before its run looked, alerts the operator', async () => {
  const raised = controlled<'alertOperator'>();
  const run = await process.begin('FLAPS-1', {
    lookUpReport: ({ runId }) =>
      Promise.resolve(
        lookedUp(runId, {
          state: 'cleared',
          cycle: 4,
          clearing: { at: '2026-03-01T12:00:00Z', receivedAt: '2026-03-01T12:00:00Z' },
        }),
      ),
    alertOperator: raised.activity,
  });
  const alert = await raised.call(1);
  expect(alert.input).toMatchObject({ kind: 'reopenings', reportId: 'FLAPS-1', cycle: 4, reopenings: 3 });
  alert.succeed(true);
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
});

test('the cycles of a deleted report with the same id are no reopenings', async () => {
  const alerts: Alert[] = [];
  const clearing = { at: '2026-03-01T12:00:00Z', receivedAt: '2026-03-01T12:00:00Z' };
  const run = await process.begin('REUSED-1', {
    lookUpReport: ({ runId }) =>
      Promise.resolve(lookedUp(runId, { state: 'cleared', cycle: 4, firstCycle: 4, clearing })),
    alertOperator: (alert) => Promise.resolve(alerts.push(alert) > 0),
  });
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
  expect(alerts).toEqual([]);
});

describe('a report that differs from its run after a restore', () => {
  async function diverged(reportId: string) {
    let looks = 0;
    const run = await process.begin(reportId, {
      lookUpReport: ({ runId }) =>
        looks++ === 0
          ? Promise.resolve(lookedUp(runId))
          : Promise.reject(ApplicationFailure.nonRetryable('somebody has changed it', 'Diverged')),
    });
    await run.until('known', ({ waitingFor }) => waitingFor === 'the signal `cleared`');
    await run.signal('lookAgain');
    await run.until('parked', ({ attention }) => attention?.code === 'Diverged');
    return run;
  }

  test('ends with a cancellation', async () => {
    const run = await diverged('DIVERGED-1');
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
  });

  test('ends when it is closed by hand', async () => {
    const run = await diverged('DIVERGED-2');
    await run.update('closeByHand', { note: 'closed elsewhere' });
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });
});

test('a decision that is recorded while the report is looked up counts, although the row was read before it', async () => {
  const lookUp = controlled<'lookUpReport'>();
  const run = await process.begin('DECIDED-1', { lookUpReport: lookUp.activity });
  const first = await lookUp.call(1);
  first.succeed(lookedUp(first.input.runId));
  await run.until('known', ({ waitingFor }) => waitingFor === 'the signal `cleared`');
  await run.signal('lookAgain');
  const second = await lookUp.call(2);
  const { hold } = await run.update('hold');
  second.succeed(lookedUp(second.input.runId));
  const third = await lookUp.call(3);
  third.succeed(lookedUp(third.input.runId, { rev: 1, hold }));
  expect(await run.update('release')).toMatchObject({ held: false });
});

test('a report that the database has lost goes on once it is opened again', async () => {
  let looks = 0;
  const run = await process.begin('LOST-1', {
    lookUpReport: ({ runId }) =>
      looks++ === 1
        ? Promise.reject(ApplicationFailure.nonRetryable('there is no such report', 'ReportNotFound'))
        : Promise.resolve(lookedUp(runId)),
  });
  await run.until('known', ({ waitingFor }) => waitingFor === 'the signal `cleared`');
  await run.signal('lookAgain');
  await run.until('parked', ({ attention }) => attention?.code === 'ReportNotFound');
  await run.signal('lookAgain'); // as a new report sends it to a run that exists
  await run.until('open', ({ phase, attention }) => phase === 'open' && attention === undefined);
  await run.signal('cancelled');
  expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
});

describe('a follow-up report that cannot be opened', () => {
  const survey = {
    state: 'sent' as const,
    id: 'survey-1',
    sentAt: '2026-03-01T12:00:00Z',
    expiresAt: '2999-01-01T00:00:00Z',
    reopenUntil: '2026-03-02T12:00:00Z',
  };

  async function refused(reportId: string) {
    const handled: unknown[] = [];
    let cycle = 1;
    const run = await process.begin(reportId, {
      lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId, { cycle })),
      sendSurvey: () => Promise.resolve(survey),
      openFollowUp: () => Promise.reject(ApplicationFailure.nonRetryable('not allowed', 'SystemRefused')),
      reopenReport: () => Promise.resolve(written('open', (cycle = 2))),
      recordAnswerHandled: (answer) => Promise.resolve(void handled.push(answer)),
    });
    await run.signal('cleared');
    await run.until('sent', ({ survey: { state } }) => state === 'sent');
    await run.signal('answered', { surveyId: 'survey-1', score: 1, solved: false });
    await run.until('parked', ({ attention }) => attention?.step === 'openFollowUp');
    return { run, handled };
  }

  test('is not needed once the report is reopened', async () => {
    const { run } = await refused('REFUSED-1');
    await run.signal('reopened', { by: 'noc' });
    await run.until('open', ({ phase, cycle }) => phase === 'open' && cycle === 2);
    await run.signal('cancelled');
    await run.result();
  });

  test('still waits for an operator after a cancellation, which comes too late', async () => {
    const { run, handled } = await refused('REFUSED-2');
    await run.signal('cancelled', { by: 'noc' });
    await run.update('hold').catch(() => undefined); // handled after the signal
    expect(await run.status()).toMatchObject({ phase: 'needsAttention', attention: { step: 'openFollowUp' } });
    expect(handled).toEqual([]);
    await run.update('closeByHand', { note: 'opened there' });
    await run.until('handled', () => handled.length > 0);
  });
});
