/** Mails that customers' servers reject because of their sender: sent again, but not for ever. */
import type { SurveyRecord } from '../../src/contract/survey.js';
import { defaultConfirmation, defaultPolicy } from '../../src/policy/settings.js';
import { hour } from '../../src/policy/time.js';
import { lookedUp, ScriptedProcess, type ScriptedRun } from '../stack/scripted-process.js';
import { until } from '../stack/waiting.js';

let process: ScriptedProcess;
beforeAll(async () => {
  process = await ScriptedProcess.start();
});
afterAll(() => process.end());

const inFuture = (ms: number) => new Date(Date.now() + ms).toISOString();
const rejected = (id: number) => ({ surveyId: 'survey-1', reason: '5.7.26', id: `dsn-${id}` });

/** Each mail is rejected, and an operator does not wait for the next one. */
async function rejectAll(run: ScriptedRun, mails: unknown[]): Promise<void> {
  for (let n = 1; n <= 5; n++) {
    await run.signal('bounced', rejected(n));
    await run.until(`rejected ${n} times`, ({ isResend }) => isResend === true);
    await run.update('retryNow');
    await until('the next mail', () => mails.length === n + 1);
    await run.until('sent again', ({ isResend }) => !isResend);
  }
  await run.signal('bounced', rejected(6));
}

test('a survey whose mail is rejected six times is undeliverable', async () => {
  const mails: unknown[] = [];
  const survey: SurveyRecord = { id: 'survey-1', state: 'sent', sentAt: inFuture(0), expiresAt: inFuture(200 * hour) };
  const run = await process.begin('REJECTED-1', {
    sendSurvey: (input) => {
      mails.push(input);
      return Promise.resolve(survey);
    },
    endSurvey: ({ as, reason }) => Promise.resolve({ ...survey, state: as, reason }),
  });
  await run.signal('cleared');
  await run.until('sent', ({ survey: { state } }) => state === 'sent');
  await rejectAll(run, mails);
  expect(await run.result()).toMatchObject({ outcome: 'closed', survey: { outcome: 'undeliverable' } });
  expect(mails).toHaveLength(6);
});

test('a report whose question is rejected six times waits for an operator, who may close it', async () => {
  const mails: unknown[] = [];
  const standing = (clearedAt: string) => ({ surveyId: 'survey-1', clearedAt, closesAt: inFuture(200 * hour) });
  const confirmation = { ...defaultConfirmation, businessHours: null };
  const run = await process.begin(
    'REJECTED-2',
    {
      askConfirmation: (input) => {
        mails.push(input);
        return Promise.resolve({ ...standing(input.clearing.at), state: 'sent' as const });
      },
      resolveConfirmation: ({ clearedAt }) => Promise.resolve({ ...standing(clearedAt), state: 'released' as const }),
    },
    { confirmation },
  );
  await run.signal('cleared');
  await run.until('asked', ({ phase }) => phase === 'confirming');
  await until('the question', () => mails.length === 1);
  await rejectAll(run, mails);
  const { attention } = await run.until('given up', ({ phase }) => phase === 'needsAttention');
  expect(attention).toMatchObject({ step: 'askConfirmation', code: 'MailMisconfigured' });
  expect(mails).toHaveLength(6);
  await run.update('release');
  expect(await run.result()).toMatchObject({ outcome: 'closed' });
});

test('a report that is held before its customer could be asked is released to ask the customer', async () => {
  const mails: unknown[] = [];
  const standing = (clearedAt: string) => ({ surveyId: 'survey-1', clearedAt, closesAt: inFuture(200 * hour) });
  const confirmation = { ...defaultConfirmation, businessHours: null };
  let asked: ReturnType<typeof standing> | undefined;
  const policy = { ...defaultPolicy, confirmation };
  const run = await process.begin(
    'REJECTED-3',
    {
      lookUpReport: ({ runId }) => {
        const clearing = asked && { at: asked.clearedAt, receivedAt: asked.clearedAt };
        const known = asked && {
          state: 'cleared' as const,
          rev: 99,
          clearing,
          hold: { by: 'ledger', since: inFuture(0) },
        };
        const sent = asked && { ...asked, state: 'sent' as const };
        return Promise.resolve(lookedUp(runId, { policy, ...known, confirmation: sent }));
      },
      askConfirmation: (input) => {
        mails.push(input);
        asked = standing(input.clearing.at);
        return Promise.resolve({ ...asked, state: 'sent' as const });
      },
    },
    { confirmation },
  );
  await run.signal('cleared');
  await until('the question', () => mails.length === 1);
  await run.signal('bounced', rejected(1));
  await run.until('rejected', ({ isResend }) => isResend === true);
  await run.update('hold');
  await run.update('retryNow');
  await run.until('held', ({ waitingFor }) => waitingFor.includes('release'));
  await run.signal('lookAgain');
  await run.until('looked up', ({ hold }) => hold?.by === 'ledger');
  await run.update('release');
  await until('the question again', () => mails.length === 2);
  expect((await run.status()).phase).toBe('confirming');
});
