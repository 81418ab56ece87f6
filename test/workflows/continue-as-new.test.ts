/** What workflows carry when their histories become long. */
import { ApplicationFailure } from '@temporalio/common';
import { massClearIdOf, workflowIdOf } from '../../src/contract/ids.js';
import type { SurveyRecord } from '../../src/contract/survey.js';
import { minute } from '../../src/policy/time.js';
import { brokenInvariants } from '../stack/invariants.js';
import {
  controlledAfterLocal,
  lookedUp,
  ScriptedProcess,
  written,
  type Script,
  type ScriptedRun,
} from '../stack/scripted-process.js';
import { shortHistories } from '../stack/short-histories.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start({ maxHistoryLength: 60 });
});
afterAll(() => process.end());

const clearedAt = '2026-03-01T12:00:00.000Z';

/** Signals that change nothing, until the history is long enough. A run cannot continue as new while it gets one after the other. */
async function untilContinued(run: ScriptedRun): Promise<void> {
  const first = await run.runId();
  while ((await run.runId()) === first) {
    await run.signal('answered', { surveyId: 'of another cycle' });
    await run.status();
  }
}

const survey = (more: Partial<SurveyRecord> = {}): SurveyRecord => ({
  id: 'survey-1',
  state: 'sent',
  sentAt: new Date().toISOString(),
  expiresAt: new Date(Date.now() + 100 * minute).toISOString(),
  ...more,
});

test('a mail that came back is sent again at the time that was set before continue-as-new', async () => {
  const mails: string[] = [];
  const sendSurvey: Script['sendSurvey'] = ({ kind }) => {
    mails.push(kind);
    return Promise.resolve(survey());
  };
  const isSent = () => mails.length > 0;
  const lookUpReport: Script['lookUpReport'] = ({ runId }) =>
    Promise.resolve(lookedUp(runId, isSent() ? { state: 'closed', rev: 2, survey: survey() } : {}));
  const endSurvey = () => Promise.resolve(survey({ state: 'expired' }));
  const run = await process.begin('CARRIED-1', { sendSurvey, lookUpReport, endSurvey });
  await run.signal('cleared');
  await run.until('sent', ({ survey: { state } }) => state === 'sent');
  await run.signal('bounced', { surveyId: 'survey-1', reason: '5.7.1', id: 'dsn-1' });
  const waiting = await run.until('waits to be sent again', ({ isResend }) => isResend === true);
  await untilContinued(run);
  expect(await run.until('waits to be sent again', ({ isResend }) => isResend === true)).toMatchObject({
    until: waiting.until,
  });
  expect(mails).toEqual(['survey']);
  await run.update('retryNow');
  await run.until('sent again', ({ waitingFor }) => waitingFor === "the customer's answer");
  expect(mails).toEqual(['survey', 'again']);
  await run.update('revokeSurvey');
  expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
});

test('a change that could not be written is written by the next run, once', async () => {
  const close = controlledAfterLocal<'closeReport'>();
  const run = await process.begin('CARRIED-2', { closeReport: close.activity });
  await run.signal('cleared', { at: clearedAt, id: 'change-1' });
  (await close.call(1)).fail(ApplicationFailure.nonRetryable('not now', 'SystemRefused'));
  await run.until('parked', ({ attention }) => attention?.step === 'closeReport');
  await untilContinued(run);
  const closing = await close.call(2);
  expect(closing.input).toMatchObject({ clearing: { at: clearedAt }, change: { id: 'change-1' } });
  closing.succeed(written('closed'));
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
  expect(close.calls.length).toBe(2);
});

test('a delivery that another channel reported early survives continue-as-new', async () => {
  let isClosed = false;
  const handedOver = { handedOver: 'survey-1', until: new Date(Date.now() + 100 * minute).toISOString() };
  const run = await process.begin('CARRIED-3', {
    lookUpReport: ({ runId }) => Promise.resolve(lookedUp(runId, isClosed ? { state: 'closed', rev: 2 } : {})),
    closeReport: () => {
      isClosed = true;
      return Promise.resolve(written('closed'));
    },
    sendSurvey: () => Promise.resolve(handedOver),
    recordAnswerHandled: () => Promise.resolve(),
    recordDelivery: () => Promise.resolve(survey({ state: 'sent' })),
  });
  await run.signal('delivered', { surveyId: 'survey-1' });
  await untilContinued(run);
  await run.signal('cleared');
  await run.until('sent', ({ survey: { state } }) => state === 'sent');
  await run.signal('answered', { surveyId: 'survey-1', score: 5 });
  expect(await run.result()).toMatchObject({ survey: { outcome: 'answered', score: 5 } });
});

test('a mass clear continues from its position, in its round, and keeps a request received meanwhile', async () => {
  const stack = await Stack.start({ env: await shortHistories(20) });
  try {
    const ids = Array.from({ length: 30 }, (_, n) => `LONG-${10 + n}`);
    for (const id of ids) await stack.open(id, { serviceProblemId: 'SP-LONG' });
    await stack.sql(`
      create function block() returns trigger language plpgsql as $$ begin
        raise exception using errcode = '53400'; end $$`);
    await stack.sql(`create trigger block before update of state on reports for each row
      when (new.id = 'LONG-20' and new.state <> 'open') execute function block()`);
    const problem = { serviceProblemId: 'SP-LONG', perSecond: 3 };
    await stack.client.serviceProblems.clear(problem);
    const progress = () => stack.client.serviceProblems.progress('SP-LONG');
    const handle = stack.temporal.workflow.getHandle(massClearIdOf('SP-LONG'));
    const { runId } = await handle.describe();
    await until('some to be cleared', async () => (await progress()).cleared > 3);
    const later = await stack.open('LONG-90', { serviceProblemId: 'SP-LONG' });
    await stack.client.serviceProblems.clear(problem);
    await until('the second round, because one report does not follow', async () => (await progress()).round === 2);
    await stack.sql('drop trigger block on reports');
    await until('the end', async () => (await progress()).done);
    expect((await handle.describe()).runId).not.toBe(runId);
    expect(await progress()).toMatchObject({ open: 0, closed: 31, failed: [], later: { count: 0 } });
    const closings = await stack.sql<{ reportId: string }>(
      `select report_id from status_changes where status = 'closed'`,
    );
    expect(closings.length).toBe(31);
    expect((await stack.client.get(later)).status).toBe('closed');
  } finally {
    await stack.end();
  }
});

/** A report whose next workflow task is the first in which its history of `limit` events is too long. */
async function almostTooLong(stack: Stack, limit: number): Promise<string> {
  for (let n = 1; ; n++) {
    const id = await stack.open(`REFUSED-${n}`);
    await stack.untilPhase(id, 'open', 1);
    const length = async () => (await stack.temporal.workflow.getHandle(workflowIdOf(id)).describe()).historyLength;
    for (let reached = 8; reached < limit - 4; reached += 4) {
      await stack.signal(id, 'answered', { surveyId: 'of another cycle' });
      await until('it to be received', async () => (await length()) >= reached);
    }
    await stack.client.clear(id);
    await stack.untilStatus(id, 'the hold-down', ({ waitingFor }) => waitingFor === 'the report to stay cleared');
    if ((await length()) === limit) return id; // otherwise, a workflow task has timed out
  }
}

test('an operation that is refused when the history has just become too long leaves one that can be replayed', async () => {
  const limit = 31;
  const stack = await Stack.start({ env: await shortHistories(limit), policy: 'default: { holdDown: 1h }' });
  try {
    const id = await almostTooLong(stack, limit);
    const run = stack.temporal.workflow.getHandle(workflowIdOf(id));
    const { runId } = await run.describe();
    const { code, stderr } = await stack.closeout('retry', id);
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is nothing to retry')]);
    expect((await run.describe()).runId).not.toBe(runId);
    await stack.client.reopen(id);
    await stack.untilPhase(id, 'open', 1);
    expect(await brokenInvariants(stack)).toEqual([]);
  } finally {
    await stack.end();
  }
});
