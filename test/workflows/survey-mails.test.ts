/** What becomes of a survey whose mails are delayed, refused or come back. */
import { ApplicationFailure } from '@temporalio/common';
import type { SurveyRecord } from '../../src/contract/survey.js';
import { nothingReceived } from '../../src/policy/changes.js';
import { defaultConfirmation, defaultPolicy } from '../../src/policy/settings.js';
import { hour, second } from '../../src/policy/time.js';
import {
  controlled,
  lookedUp,
  ScriptedProcess,
  written,
  type Input,
  type Output,
  type Script,
} from '../stack/scripted-process.js';
import { until } from '../stack/waiting.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
const sent = (expiresIn = hour): SurveyRecord => ({
  state: 'sent',
  id: 'survey-1',
  sentAt: fromNow(0),
  expiresAt: fromNow(expiresIn),
});
const refused = (code: string) => ApplicationFailure.nonRetryable('no', code);

/** The survey's mails, and how it ended. */
function surveyScript(sendSurvey: Script['sendSurvey']) {
  const kinds: Input<'sendSurvey'>['kind'][] = [];
  const ends: Omit<Input<'endSurvey'>, 'reportId' | 'cycle'>[] = [];
  const script: Script = {
    sendSurvey: (input: Input<'sendSurvey'>) => {
      kinds.push(input.kind);
      return (sendSurvey as (input: Input<'sendSurvey'>) => Promise<Output<'sendSurvey'>>)(input);
    },
    endSurvey: ({ as, reason, by }: Input<'endSurvey'>) => {
      ends.push({ as, reason, by });
      return Promise.resolve({ ...sent(), state: as, reason });
    },
  };
  return { kinds, ends, script };
}

const remindsAtOnce = { survey: { ...defaultPolicy.survey, reminderAfter: second } };

describe('a reminder that waits for the end of quiet hours', () => {
  const postponed = (expiresIn?: number) =>
    surveyScript(({ kind }) =>
      Promise.resolve(kind === 'survey' ? sent(expiresIn) : { postponedUntil: fromNow(hour / 2) }),
    );

  test('is not sent once an operator has revoked the survey', async () => {
    const { kinds, ends, script } = postponed();
    const run = await process.begin('QUIET-1', script, remindsAtOnce);
    await run.signal('cleared');
    await run.until('postponed', ({ waitingFor }) => waitingFor.includes('quiet hours'));
    await run.update('revokeSurvey');
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
    expect([kinds, ends]).toEqual([['survey', 'reminder'], [{ as: 'expired', reason: 'revoked', by: 'eve' }]]);
  });

  test('is not sent once the mail has come back', async () => {
    const { kinds, ends, script } = postponed();
    const run = await process.begin('QUIET-2', script, remindsAtOnce);
    await run.signal('cleared');
    await run.until('postponed', ({ waitingFor }) => waitingFor.includes('quiet hours'));
    await run.signal('bounced', { surveyId: 'survey-1', reason: '5.1.1' });
    expect(await run.result()).toMatchObject({ survey: { outcome: 'undeliverable' } });
    expect([kinds, ends]).toEqual([['survey', 'reminder'], [{ as: 'undeliverable', reason: '5.1.1' }]]);
  });

  test('is not sent if the survey expires before', async () => {
    const { kinds, ends, script } = postponed(15 * second);
    const run = await process.begin('QUIET-3', script, remindsAtOnce);
    await run.signal('cleared');
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
    expect([kinds, ends]).toEqual([['survey', 'reminder'], [{ as: 'expired' }]]);
  });
});

describe('a mail that is refused when it is sent again', () => {
  test('leaves a survey undeliverable that never reached the customer', async () => {
    const { ends, script } = surveyScript(() => Promise.reject(refused('RecipientRefused')));
    const lookUp = controlled<'lookUpReport'>();
    const run = await process.begin('AGAIN-1', { ...script, lookUpReport: lookUp.activity });
    const resent = run.update('resendSurvey');
    const { input, succeed } = await lookUp.call(1);
    succeed(lookedUp(input.runId, { state: 'closed', survey: { state: 'undeliverable', id: 'survey-1' } }));
    await resent;
    expect(await run.result()).toMatchObject({ survey: { outcome: 'undeliverable' } });
    expect(ends).toEqual([{ as: 'undeliverable', reason: 'RecipientRefused' }]);
  });

  test('leaves a survey open whose mail had arrived', async () => {
    const { ends, script } = surveyScript(({ resentBy }) =>
      resentBy ? Promise.reject(refused('RecipientRefused')) : Promise.resolve(sent()),
    );
    const run = await process.begin('AGAIN-2', script);
    await run.signal('cleared');
    await run.until('sent', ({ survey }) => survey.state === 'sent');
    await run.update('resendSurvey');
    await run.update('revokeSurvey');
    expect(await run.result()).toMatchObject({ survey: { outcome: 'expired' } });
    expect(ends).toEqual([{ as: 'expired', reason: 'revoked', by: 'eve' }]);
  });
});

test('nobody is warned after the end of the window', async () => {
  const past = fromNow(-second);
  const resolutions: string[] = [];
  const run = await process.begin('WARN-1', {
    lookUpReport: ({ runId }) =>
      Promise.resolve(
        lookedUp(runId, {
          state: 'cleared',
          policy: { ...defaultPolicy, confirmation: { ...defaultConfirmation, businessHours: null } },
          clearing: { at: past, receivedAt: past },
          confirmation: { surveyId: 'survey-1', state: 'sent', clearedAt: past, closesAt: past, warnAt: past },
        }),
      ),
    askConfirmation: () => Promise.reject(new Error('too late')),
    resolveConfirmation: ({ as, clearedAt }) => {
      resolutions.push(as);
      return Promise.resolve({ surveyId: 'survey-1', state: as, clearedAt, closesAt: past });
    },
  });
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
  expect([resolutions, await run.activities()]).toEqual([['silence'], expect.not.arrayContaining(['askConfirmation'])]);
});

test('a relay that refuses us is reported since its first refusal', async () => {
  const { kinds, script } = surveyScript(() => Promise.reject(refused('MailMisconfigured')));
  const run = await process.begin('RELAY-1', script);
  await run.signal('cleared');
  const first = await run.until('refused', ({ attention }) => attention?.code === 'MailMisconfigured');
  await run.update('retryNow');
  await until('the second attempt', () => kinds.length === 2);
  const second = await run.until('refused again', ({ attention }) => attention?.code === 'MailMisconfigured');
  expect(second.attention?.since).toBe(first.attention?.since);
});

describe('what any program may send', () => {
  test('is stored without characters that PostgreSQL refuses', async () => {
    const close = controlled<'closeReport'>();
    const run = await process.begin('TEXT-1', { closeReport: close.activity });
    await run.signal('cleared', { by: 'x\0', id: `${'y'.repeat(199)}😀`, at: '0001-01-01T00:00:00+01:00' });
    const { input, succeed } = await close.call(1);
    succeed(written('closed'));
    expect(input.change).toMatchObject({ by: 'x', id: 'y'.repeat(199) });
    expect(input.change?.at).toBeUndefined(); // no time that PostgreSQL stores
    await run.result();
  });

  test('names no customer as the reason of a bounce', async () => {
    const { ends, script } = surveyScript(() => Promise.resolve(sent()));
    const run = await process.begin('TEXT-2', script);
    await run.signal('cleared');
    await run.until('sent', ({ survey }) => survey.state === 'sent');
    await run.signal('bounced', { surveyId: 'survey-1', reason: '550 ann@customers.example unknown' });
    await run.result();
    expect(ends).toEqual([{ as: 'undeliverable', reason: 'bounced' }]);
  });
});

test('the next cycle knows the changes that the last one ignored', async () => {
  const recorded: string[][] = [];
  const answered = { state: 'answered' as const, id: 'survey-1' };
  const run = await process.begin('REPEAT-1', {
    sendSurvey: () => Promise.resolve(sent()),
    recordAnswerHandled: () => Promise.resolve(),
    recordDecision: ({ fence }) => {
      recorded.push(fence.received?.ids ?? nothingReceived().ids);
      return Promise.resolve(written('closed'));
    },
  });
  await run.signal('cleared', { id: 'first' });
  await run.until('sent', ({ survey }) => survey.state === 'sent');
  await run.signal('cleared', { id: 'second' });
  await run.signal('answered', { surveyId: answered.id, score: 5 });
  expect(await run.result()).toMatchObject({ survey: { outcome: 'answered' } });
  expect(recorded).toEqual([['first', 'second']]);
});

test('a survey that another channel delivers: no mail that came back counts, and no message about another survey', async () => {
  const { ends, script } = surveyScript(() => Promise.resolve({ handedOver: 'survey-1', until: fromNow(hour) }));
  const activities = {
    ...script,
    recordDelivery: () => Promise.resolve(sent()),
    recordAnswerHandled: () => Promise.resolve(),
  };
  const policy = { survey: { ...defaultPolicy.survey, channel: 'handover' as const } };
  const run = await process.begin('ELSEWHERE-1', activities, policy);
  await run.until('looked up', ({ waitingFor }) => waitingFor === 'the signal `cleared`');
  await run.signal('bounced', { surveyId: 'survey-1', reason: '5.1.1', id: 'bounce-1' });
  await run.signal('delivered', { surveyId: 'survey-1' });
  await run.signal('failed', { surveyId: 'survey-0', reason: 'Unreachable' });
  await run.signal('cleared');
  await run.until('sent', ({ survey }) => survey.state === 'sent');
  await run.signal('answered', { surveyId: 'survey-1', score: 5 });
  expect(await run.result()).toMatchObject({ survey: { outcome: 'answered', score: 5 } });
  expect(ends).toEqual([]);
});

test('a survey whose delivery cannot be recorded ends if an operator leaves it', async () => {
  const ends: string[] = [];
  const run = await process.begin('LEFT-1', {
    sendSurvey: () => Promise.resolve({ handedOver: 'survey-1', until: fromNow(hour) }),
    recordDelivery: () => Promise.reject(refused('Unexpected')),
    endSurvey: ({ as }) => {
      ends.push(as);
      return Promise.resolve({ state: as });
    },
  });
  await run.signal('cleared');
  await run.until('handed over', ({ waitingFor }) => waitingFor.includes('another channel'));
  await run.signal('delivered', { surveyId: 'survey-1' });
  await run.until('parked', ({ phase }) => phase === 'needsAttention');
  await run.update('closeByHand');
  expect(await run.result()).toMatchObject({ survey: { outcome: 'undeliverable' } });
  expect(ends).toEqual(['undeliverable']);
});

test('a customer who said "not solved" in time reopens the report, however late the run learns of it', async () => {
  const reopen = controlled<'reopenReport'>();
  const run = await process.begin('IN-TIME-1', {
    sendSurvey: () => Promise.resolve({ ...sent(), reopenUntil: fromNow(-hour) }),
    recordAnswerHandled: () => Promise.resolve(),
    reopenReport: reopen.activity,
  });
  await run.signal('cleared');
  await run.until('sent', ({ survey }) => survey.state === 'sent');
  await run.signal('answered', { surveyId: 'survey-1', score: 1, solved: false, answeredAt: fromNow(-2 * hour) });
  (await reopen.call(1)).succeed(written('open', 2));
});

test('a customer who said "not solved" too late gets a follow-up, as the page has said, whatever the run knows of the survey', async () => {
  const run = await process.begin('TOO-LATE-1', {
    sendSurvey: () => Promise.resolve({ handedOver: 'survey-1', until: fromNow(hour) }),
    openFollowUp: () => Promise.resolve('TOO-LATE-1-after-1'),
  });
  await run.signal('cleared');
  await run.until('handed over', ({ waitingFor }) => waitingFor.includes('another channel'));
  await run.signal('answered', { surveyId: 'survey-1', score: 1, solved: false, reopenUntil: fromNow(-hour) });
  expect(await run.result()).toMatchObject({ outcome: 'closed', survey: { outcome: 'answered' } });
  expect(await run.activities()).toContain('openFollowUp');
});

test('an answer that comes while the report is being reopened alerts about its own cycle', async () => {
  const reopen = controlled<'reopenReport'>();
  const run = await process.begin('MEANWHILE-1', {
    sendSurvey: () => Promise.resolve(sent()),
    reopenReport: reopen.activity,
  });
  await run.signal('cleared');
  await run.until('sent', ({ survey }) => survey.state === 'sent');
  await run.signal('reopened');
  const { succeed } = await reopen.call(1);
  await run.signal('answered', { surveyId: 'survey-1', score: 1 });
  succeed(written('open', 2));
  const alerts = async () => {
    const events = await process.eventsOf('alert:answer:MEANWHILE-1:1:1').catch(() => []);
    return events.length > 0;
  };
  await until('the alert', alerts);
});
