/** What comes late, twice, or while something else is going on: about an earlier clearing, about the same mail, from another run. */
import { ApplicationFailure } from '@temporalio/common';
import type { ConfirmationRecord, SurveyRecord } from '../../src/contract/survey.js';
import { defaultConfirmation, defaultPolicy, type Confirmation } from '../../src/policy/settings.js';
import { minute } from '../../src/policy/time.js';
import {
  controlled,
  controlledAfterLocal,
  lookedUp,
  ScriptedProcess,
  written,
  type Input,
  type Script,
} from '../stack/scripted-process.js';
import { until } from '../stack/waiting.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

const inFuture = (ms: number) => new Date(Date.now() + ms).toISOString();
const [first, second] = ['2026-03-01T12:00:00.000Z', '2026-03-01T13:00:00.000Z'];

describe('about an earlier clearing', () => {
  const confirmation: Confirmation = { ...defaultConfirmation, businessHours: null };
  const asked = ({ clearing }: Input<'askConfirmation'>, window: number): ConfirmationRecord => ({
    surveyId: 'survey-1',
    state: 'sent',
    clearedAt: clearing.at,
    closesAt: inFuture(window),
  });

  test('the end of a window does not confirm the next clearing', async () => {
    const resolve = controlled<'resolveConfirmation'>();
    const clearings: string[] = [];
    const run = await process.begin(
      'SILENT-1',
      {
        askConfirmation: (input) => {
          clearings.push(input.clearing.at);
          return Promise.resolve(asked(input, clearings.length === 1 ? -1 : minute));
        },
        resolveConfirmation: resolve.activity,
      },
      { confirmation },
    );
    await run.signal('cleared', { at: first });
    const late = await resolve.call(1);
    await run.signal('reopened', { at: '2026-03-01T12:30:00Z' });
    await run.signal('cleared', { at: second });
    late.succeed({ surveyId: 'survey-1', state: 'silence', clearedAt: first, closesAt: first });
    await run.until('asked again', ({ confirmation: state }) => state === 'sent' && clearings.length === 2);
    expect(clearings).toEqual([first, second]);
    await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: second, fixed: true });
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });

  test('a release does not release the next clearing', async () => {
    const record = controlled<'recordDecision'>();
    const clearings: string[] = [];
    const askConfirmation: Script['askConfirmation'] = (input) => {
      clearings.push(input.clearing.at);
      return Promise.resolve(asked(input, minute));
    };
    const run = await process.begin('FREED-1', { askConfirmation, recordDecision: record.activity }, { confirmation });
    await run.signal('cleared', { at: first });
    await run.until('asked', ({ confirmation: state }) => state === 'sent');
    const released = run.update('release');
    const recording = await record.call(1);
    await run.signal('reopened', { at: '2026-03-01T12:30:00Z' });
    await run.signal('cleared', { at: second });
    recording.succeed(written('cleared'));
    await released;
    await run.until('asked again', ({ confirmation: state }) => state === 'sent' && clearings.length === 2);
    expect((await run.status()).phase).toBe('confirming');
    await run.signal('confirmed', { surveyId: 'survey-1', clearedAt: second, fixed: true });
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
  });

  test.each([
    ['yes', 'closed'],
    ['no', 'cancelled'],
  ] as const)('a stored "%s" that a parked run finds when it looks again ends the parking', async (state, outcome) => {
    const standing = {
      state: 'cleared' as const,
      rev: 2,
      clearing: { at: first, receivedAt: first },
      policy: { ...defaultPolicy, confirmation: { ...confirmation, onSilence: 'hold' as const } },
    };
    const sent = { surveyId: 'survey-1', clearedAt: first, closesAt: first };
    const states: ConfirmationRecord['state'][] = ['sent', state];
    const run = await process.begin(`FOUND-${state}`, {
      lookUpReport: ({ runId }) =>
        Promise.resolve(lookedUp(runId, { ...standing, confirmation: { ...sent, state: states.shift() ?? state } })),
    });
    await run.until('parked', ({ attention }) => attention?.code === 'NotConfirmed');
    await run.signal('lookAgain');
    if (state === 'no') {
      await run.until('open', ({ phase }) => phase === 'open');
      await run.signal('cancelled');
    }
    expect(await run.result()).toMatchObject({ outcome });
  });
});

test('a repeated change is still recognised after the run has read an older ledger', async () => {
  const wait = { for: 'holdDown' as const, until: inFuture(minute) };
  let lookUps = 0;
  const policy = { ...defaultPolicy, holdDown: minute };
  const clearing = { at: first, receivedAt: first };
  const run = await process.begin('REPEATED-1', {
    lookUpReport: ({ runId, known }) => {
      lookUps++;
      const received = { dated: [], ids: ['change-1'] };
      const found = known ? { state: 'cleared' as const, rev: known.rev, clearing, received, policy } : { policy };
      return Promise.resolve(lookedUp(runId, found));
    },
    closeReport: () => Promise.resolve({ ...written('cleared'), wait }),
  });
  await run.signal('cleared', { id: 'change-1' });
  await run.until('in its hold-down', ({ phase, until: end }) => phase === 'clearing' && end !== undefined);
  await run.signal('cleared', { id: 'change-2' }); // changes nothing
  await run.signal('lookAgain');
  await until('looked up again', () => lookUps === 2);
  await run.signal('reopened');
  await run.until('open', ({ phase }) => phase === 'open');
  await run.signal('cleared', { id: 'change-2' });
  expect((await run.status()).phase).toBe('open');
  await run.signal('cancelled');
  expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
});

describe('about a mail', () => {
  const sent = (more: Partial<SurveyRecord> = {}): SurveyRecord => ({
    id: 'survey-1',
    state: 'sent',
    sentAt: inFuture(0),
    expiresAt: inFuture(100 * minute),
    ...more,
  });

  test('a rejected mail is sent again once, even after repeated reports or an extension', async () => {
    const mails: string[] = [];
    const run = await process.begin('BOUNCE-1', {
      sendSurvey: ({ kind }) => {
        mails.push(kind);
        return Promise.resolve(sent());
      },
      extendSurvey: ({ until: expiresAt }) => Promise.resolve(sent({ expiresAt })),
      endSurvey: () => Promise.resolve(sent({ state: 'expired', reason: 'revoked' })),
    });
    const bounce = (id?: string) => run.signal('bounced', { surveyId: 'survey-1', reason: '5.7.1', id });
    await run.signal('cleared');
    await run.until('sent', ({ survey }) => survey.state === 'sent');
    await bounce('dsn-1');
    const waiting = await run.until('waits to be sent again', ({ isResend }) => isResend === true);
    await bounce('dsn-1');
    await bounce();
    expect(await run.update('extendSurvey', { days: 3 })).toMatchObject({ survey: { state: 'sent' } });
    expect(await run.status()).toMatchObject({ isResend: true, until: waiting.until });
    expect(mails).toEqual(['survey']);
    await run.update('retryNow');
    await run.until('waits for the customer', ({ waitingFor }) => waitingFor === "the customer's answer");
    await bounce('dsn-1');
    expect((await run.status()).waitingFor).toBe("the customer's answer");
    expect(mails).toEqual(['survey', 'again']);
    await run.update('revokeSurvey');
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
  });

  test('one that came back is not sent again when its survey expires', async () => {
    const mails: string[] = [];
    const run = await process.begin('BOUNCE-2', {
      sendSurvey: ({ kind }) => {
        mails.push(kind);
        return Promise.resolve(sent({ expiresAt: inFuture(15_000) }));
      },
      endSurvey: ({ as }) => Promise.resolve(sent({ state: as })),
    });
    await run.signal('cleared');
    await run.until('sent', ({ survey }) => survey.state === 'sent');
    await run.signal('bounced', { surveyId: 'survey-1', reason: '5.7.1' });
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
    expect(mails).toEqual(['survey']);
  });

  test.each([true, false])(
    'a survey whose mail was faster than the operator who does not want it is revoked; recorded before it: %s',
    async (isRecordedFirst) => {
      const send = controlledAfterLocal<'sendSurvey'>();
      const record = controlled<'recordDecision'>();
      const ends: Input<'endSurvey'>[] = [];
      const run = await process.begin(`SKIP-${isRecordedFirst}`, {
        sendSurvey: send.activity,
        recordDecision: record.activity,
        endSurvey: (input) => {
          ends.push(input);
          return Promise.resolve(sent({ state: 'expired', reason: 'revoked' }));
        },
      });
      await run.signal('cleared');
      const mail = await send.call(1);
      const skipped = run.update('skipSurvey');
      const recording = await record.call(1);
      if (isRecordedFirst) {
        recording.succeed(written('closed'));
        await skipped;
      }
      mail.succeed(sent());
      if (!isRecordedFirst) {
        await run.until('sent', ({ survey }) => survey.state === 'sent');
        recording.succeed(written('closed'));
        await skipped;
      }
      expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
      expect(ends).toMatchObject([{ as: 'expired', reason: 'revoked', by: 'eve' }]);
    },
  );
});

test('a decision that another run preceded is recorded also when the report is done meanwhile', async () => {
  const send = controlledAfterLocal<'sendSurvey'>();
  const record = controlled<'recordDecision'>();
  const skipped = { state: 'skipped' as const, reason: 'disabled' as const };
  const run = await process.begin('DONE-1', {
    lookUpReport: ({ runId, known }) =>
      Promise.resolve(lookedUp(runId, known ? { state: 'closed', rev: 9, survey: skipped } : {})),
    sendSurvey: send.activity,
    recordDecision: record.activity,
  });
  await run.signal('cleared');
  const mail = await send.call(1);
  const update = run.update('skipSurvey');
  const recording = await record.call(1);
  mail.succeed(skipped);
  await run.until('the survey to be skipped', ({ survey }) => survey.state === 'skipped');
  recording.succeed({ ...written('closed'), isSuperseded: true });
  (await record.call(2)).succeed({ ...written('closed'), isSuperseded: true });
  const third = await record.call(3);
  expect(third.input.fence.rev).toBeGreaterThan(9);
  third.succeed(written('closed'));
  await update;
  expect(await run.result()).toMatchObject({ outcome: 'closed', survey: { outcome: 'skipped:disabled' } });
});

describe('an answer that reopens the report', () => {
  const answered = { surveyId: 'survey-1', score: 1, solved: false, revision: 1 };
  const reopenUntil = inFuture(100 * minute);
  const sendSurvey = () => Promise.resolve<SurveyRecord>({ id: 'survey-1', state: 'sent', reopenUntil });
  /** Without repetitions: a workflow task that fails, for example because a signal came, repeats its local activities. */
  const handled = new Set<string>();
  const recordAnswerHandled: Script['recordAnswerHandled'] = ({ reportId, surveyId, revision }) =>
    Promise.resolve(void handled.add([reportId, surveyId, revision].join(' ')));
  beforeEach(() => handled.clear());

  test('is handled with the reopening: if the run is lost before, its successor reopens the report', async () => {
    const reopen = controlled<'reopenReport'>();
    const script = { sendSurvey, reopenReport: reopen.activity, recordAnswerHandled };
    const run = await process.begin('UNSOLVED-1', script);
    await run.signal('cleared');
    await run.until('sent', ({ survey }) => survey.state === 'sent');
    await run.signal('answered', answered);
    const { succeed } = await reopen.call(1);
    expect(handled).toEqual(new Set());
    succeed(written('open', 2));
    await run.signal('cancelled');
    expect(await run.result()).toMatchObject({ outcome: 'cancelled' });
    expect(handled).toEqual(new Set(['UNSOLVED-1 survey-1 1']));
  });

  test('is handled once an operator has left a reopening that is refused', async () => {
    const run = await process.begin('UNSOLVED-2', {
      sendSurvey,
      reopenReport: () => Promise.reject(ApplicationFailure.nonRetryable('it may not be reopened', 'SystemRefused')),
      recordAnswerHandled,
    });
    await run.signal('cleared');
    await run.until('sent', ({ survey }) => survey.state === 'sent');
    await run.signal('answered', answered);
    await run.until('parked', ({ attention }) => attention?.step === 'reopenReport');
    await run.update('closeByHand', { note: 'stays closed' });
    expect(await run.result()).toMatchObject({ outcome: 'closed' });
    expect(handled).toEqual(new Set(['UNSOLVED-2 survey-1 1']));
  });
});

test('a report that was closed by hand because it cannot be looked up any more is left, whatever its run waits for', async () => {
  let lookUps = 0;
  const gone = ApplicationFailure.nonRetryable('There is no report GONE-1.', 'ReportNotFound');
  const run = await process.begin('GONE-1', {
    lookUpReport: ({ runId }) => (lookUps++ === 0 ? Promise.resolve(lookedUp(runId)) : Promise.reject(gone)),
  });
  await run.until('looked up', ({ waitingFor }) => waitingFor === 'the signal `cleared`');
  await run.signal('lookAgain');
  await run.until('parked', ({ attention }) => attention?.step === 'lookUpReport');
  await run.update('closeByHand', { note: 'deleted' });
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
});
