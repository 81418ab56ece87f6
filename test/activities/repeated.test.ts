/** Activities that begin again after a kill, and sweeps whose successor has to do what they could not. */
import { askConfirmation, type AskConfirmation } from '../../src/activities/ask-confirmation.js';
import type { Deps } from '../../src/activities/deps.js';
import { lookUpReport } from '../../src/activities/look-up-report.js';
import { sendSurvey, type SendSurvey } from '../../src/activities/send-survey.js';
import { recordSweep, restoreLedger, sweepReports, wakeUnfinished } from '../../src/activities/sweep-reports.js';
import { CloseoutError } from '../../src/contract/errors.js';
import { workflowIdOf } from '../../src/contract/ids.js';
import { defaultConfirmation, defaultPolicy, type Policy } from '../../src/policy/settings.js';
import type { ConfirmationStanding } from '../../src/policy/standing.js';
import { day } from '../../src/policy/time.js';
import { openActivities } from '../stack/activities.js';
import { surveyEvents } from '../stack/history.js';
import { noSweep } from '../stack/no-sweep.js';
import { quietNow } from '../stack/quiet-hours.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
let activities: ReturnType<typeof openActivities>;
let deps: Deps;
beforeAll(async () => {
  stack = await Stack.start({ env: noSweep });
  activities = openActivities(stack);
  ({ deps } = activities);
});
afterAll(async () => {
  await activities.close();
  await stack.end();
});

const quietly = { ...defaultPolicy.survey, quietHours: quietNow() };

const mail = (some: Deps, reportId: string, more: Partial<SendSurvey> = {}) => {
  const { survey: policy, reopen, brand } = defaultPolicy;
  const request = { reportId, cycle: 1, kind: 'survey', brand, policy, reopen, byOperator: false, ...more } as const;
  return activities.call(() => sendSurvey(some, request));
};

const refusal = { command: 'DATA', responseCode: 554, response: '554 5.6.0 no', permanent: true };
const refusing = (): Deps => ({
  ...deps,
  mailer: { ...deps.mailer, send: () => Promise.reject(Object.assign(new Error('refused'), refusal)) },
});

describe('a question that came back', () => {
  /** Asks in the name of the report's own run. */
  async function asking(reportId: string) {
    const id = await stack.open(reportId);
    const { runId } = await stack.temporal.workflow.getHandle(workflowIdOf(id)).describe();
    await until('the run to be noted', async () => (await deps.ledger.read(id)).runId === runId);
    let rev = (await deps.ledger.read(id)).rev;
    const at = new Date().toISOString();
    return async (rejectedAskedAt?: string, survey = defaultPolicy.survey) => {
      const request: AskConfirmation = {
        fence: { reportId: id, runId, cycle: 1, rev: ++rev, write: `clear ${at}` },
        clearing: { at, receivedAt: at },
        kind: 'confirm',
        policy: { ...defaultConfirmation, businessHours: null },
        brand: defaultPolicy.brand,
        survey,
        reopen: defaultPolicy.reopen,
        byOperator: false,
        rejectedAskedAt,
      };
      return (await activities.call(() => askConfirmation(deps, request))) as ConfirmationStanding;
    };
  }

  test('is asked again once, however often the activity begins again', async () => {
    const ask = await asking('AGAIN-1');
    const first = await ask();
    expect(await ask()).toEqual(first);
    const again = await ask(first.askedAt);
    expect(Date.parse(again.closesAt)).toBeGreaterThan(Date.parse(first.closesAt));
    expect(await ask(first.askedAt)).toEqual(again);
    expect(await stack.mails('AGAIN-1')).toHaveLength(2);
  });

  test('was not asked, also while quiet hours delay the next mail', async () => {
    const ask = await asking('QUIET-1');
    const { askedAt } = await ask();
    const postponed = { postponedUntil: expect.any(String) as string };
    expect(await ask(askedAt, quietly)).toEqual(postponed);
    expect(await deps.surveys.ofCycle('QUIET-1', 1)).toMatchObject({ confirmation: 'queued', mailedAt: null });
    expect(await ask(undefined, quietly)).toEqual(postponed); // of a successor, or after a hold
    expect(await ask()).toMatchObject({ state: 'sent' });
    expect(await stack.mails('QUIET-1')).toHaveLength(2);
  });
});

test('a survey of a report that is not closed in this cycle is not decided: its run has to look again', async () => {
  for (const [id, status] of [
    ['RESTORED-1', 'resolved'],
    ['RESTORED-2', 'inProgress'],
  ]) {
    await stack.open(id ?? '');
    await stack.sql('update reports set status = $2 where id = $1', [id, status]);
    expect(await mail(deps, id ?? '')).toEqual({ unasked: true });
    expect(await deps.surveys.ofCycle(id ?? '', 1)).toBeUndefined();
  }
});

test('a reminder of a survey that the database holds as not sent yet: its run has to look again', async () => {
  await stack.ask('FORGOTTEN-1');
  await stack.sql(`update surveys set state = 'queued', sent_at = null where report_id = 'FORGOTTEN-1'`);
  for (const kind of ['reminder', 'again'] as const)
    expect(await mail(deps, 'FORGOTTEN-1', { kind })).toEqual({ unasked: true });
  expect(await stack.mails('FORGOTTEN-1')).toHaveLength(1);
});

test('a customer whose mail the relay may have accepted counts as asked once nobody wants to ask any more', async () => {
  const reportId = await stack.open('ACCEPTED-1');
  await stack.sql(
    `update reports set status = 'resolved', state = 'cleared', cleared_at = '2026-03-01' where id = $1`,
    [reportId],
  );
  await stack.sql(
    `insert into surveys (id, report_id, cycle, state, confirmation, confirm_for)
      values ('accepted', $1, 1, 'queued', 'queued', '2026-03-01')`,
    [reportId],
  );
  const confirmation = { ...defaultConfirmation, businessHours: null };
  const standing = async (policy: Policy) => {
    const some = { ...deps, policyFor: () => policy };
    return (await activities.call(() => lookUpReport(some, { reportId, runId: 'run-1' }))).confirmation;
  };
  expect(await standing({ ...defaultPolicy, confirmation })).toBeUndefined();
  expect(await standing({ ...defaultPolicy, confirmation: null })).toMatchObject({ state: 'sent' });
  await stack.sql(`update reports set released_by = 'eve' where id = $1`, [reportId]);
  expect(await standing({ ...defaultPolicy, confirmation })).toMatchObject({ state: 'sent' });
});

test('a reminder that the relay refuses is not tried again, however often its run looks again', async () => {
  await stack.ask('REFUSED-1');
  await expect(mail(refusing(), 'REFUSED-1', { kind: 'reminder' })).rejects.toThrow('refused');
  expect(await mail(deps, 'REFUSED-1', { kind: 'reminder' })).toMatchObject({ state: 'sent' });
  const [notSent] = (await surveyEvents(stack, 'REFUSED-1')).filter(({ event }) => event === 'copyNotSent');
  expect(notSent).toMatchObject({ by: null, detail: 'MailRefused' });
  expect(await stack.mails('REFUSED-1')).toHaveLength(1);
});

test('a survey mail that came back is sent again outside of quiet hours, and its reminder counts from then on', async () => {
  await stack.ask('CAME-BACK-1');
  await stack.sql(`update surveys set sent_at = now() - interval '6 days' where report_id = 'CAME-BACK-1'`);
  const again = (policy: Policy['survey']) => mail(deps, 'CAME-BACK-1', { policy, kind: 'again' });
  expect(await again(quietly)).toEqual({ postponedUntil: expect.any(String) as string });
  const sentAt = async () => (await deps.surveys.ofCycle('CAME-BACK-1', 1))?.sentAt?.getTime();
  const before = await sentAt();
  const byOperator = await mail(deps, 'CAME-BACK-1', { policy: quietly, resentBy: 'eve' });
  expect(byOperator).toMatchObject({ state: 'sent' }); // whatever the hour
  expect(await sentAt()).toBe(before);
  const resent = await again(defaultPolicy.survey);
  expect(resent).toMatchObject({ state: 'sent', sentAt: new Date((await sentAt()) ?? 0).toISOString() });
  expect(await sentAt()).toBeGreaterThan(before ?? Infinity);
  const [report] = await stack.sql<{ in_days: number }>(
    `select round(extract(epoch from expected_at - now()) / 86400)::int as in_days from reports where id = 'CAME-BACK-1'`,
  );
  expect(report?.in_days).toBe(Math.round((defaultPolicy.survey.reminderAfter ?? 0) / day));
  expect(await stack.mails('CAME-BACK-1')).toHaveLength(3);
});

test('a copy of a survey mail that is not sent is in the timeline, and the survey stays open', async () => {
  await stack.ask('COPY-1', { contact: { emailAddress: 'copy@customers.example' } });
  await expect(mail(refusing(), 'COPY-1', { resentBy: 'eve' })).rejects.toThrow('refused');
  const { surveys, doNotContact } = deps;
  const survey = await surveys.ofCycle('COPY-1', 1);
  await doNotContact.optOut(survey ?? { id: '', reportId: '' }, survey?.mailedTo ?? '', 'complaint');
  expect(await mail(deps, 'COPY-1', { resentBy: 'eve' })).toMatchObject({ state: 'sent' });
  const notSent = (await surveyEvents(stack, 'COPY-1')).filter(({ event }) => event === 'copyNotSent');
  expect(notSent).toMatchObject([
    { by: 'eve', detail: 'MailRefused' },
    { by: 'eve', detail: 'do not contact' },
  ]);
  expect(await stack.mails('COPY-1')).toHaveLength(1);
});

test('a reminder says until when a survey can be answered that was extended', async () => {
  await stack.ask('EXTENDED-1');
  const until = new Date('2031-05-06T12:00:00Z');
  await deps.surveys.extend('EXTENDED-1', 1, until, 'eve');
  await mail(deps, 'EXTENDED-1', { kind: 'reminder' });
  expect((await stack.mails('EXTENDED-1')).at(-1)?.text).toContain('6 May 2031');
});

test('a survey mail that is sent again says until when it can be answered now', async () => {
  await stack.ask('LONGER-1');
  await deps.surveys.extend('LONGER-1', 1, new Date('2031-05-06T12:00:00Z'), 'eve');
  await mail(deps, 'LONGER-1', { resentBy: 'eve' });
  expect((await stack.mails('LONGER-1')).at(-1)?.text).toContain('6 May 2031');
});

test('a survey that was asked on the page of its confirmation is mailed with the date of the closing', async () => {
  await stack.ask('PAGE-1');
  await stack.sql(`update surveys set confirmation = 'yes', mailed_at = '2026-01-05', sent_at = '2026-02-03',
    expires_at = '2031-05-06' where report_id = 'PAGE-1'`);
  await mail(deps, 'PAGE-1', { resentBy: 'eve' });
  const copy = (await stack.mails('PAGE-1')).at(-1);
  expect([copy?.date?.toISOString(), copy?.text]).toEqual([
    expect.stringMatching(/^2026-02-03/),
    expect.stringMatching(/[56] May 2031/),
  ]);
});

describe('what a sweep could not do, the next one does', () => {
  const unavailable = () => Promise.reject(new CloseoutError('TemporalUnavailable', 'Not now.'));
  const sweep = async (lostRuns: Partial<Deps['lostRuns']>) => {
    const some = { ...deps, lostRuns: { ...deps.lostRuns, ...lostRuns } };
    const swept = await activities.call(() => sweepReports(some));
    await activities.call(() => recordSweep(some, { ...swept, tookMs: 1, atLeast: 0, isRestored: true }));
    return swept;
  };

  test('a lost run that could not be replaced, also after a long time', async () => {
    const id = await stack.open('LOST-1');
    const handle = stack.temporal.workflow.getHandle(workflowIdOf(id));
    const { runId } = await handle.describe();
    expect(await sweep({ endedSince: () => Promise.resolve([]) })).toMatchObject({ failed: 0, notified: {} });
    const before = (await deps.sweeps.last())?.endedUntil;
    await handle.terminate('lost');
    const asked: Date[] = [];
    const endedSince = (since: Date) => {
      asked.push(since);
      return Promise.resolve([{ reportId: id, runId }]);
    };
    expect(await sweep({ endedSince, missedSignals: unavailable })).toMatchObject({ failed: 1, endedUntil: undefined });
    expect((await deps.sweeps.last())?.endedUntil).toEqual(before);
    expect(await sweep({ endedSince })).toMatchObject({ failed: 0, notified: { lost: 1 } });
    expect(asked[1]).toEqual(asked[0]);
    expect((await deps.sweeps.last())?.endedUntil?.getTime()).toBeGreaterThan(before?.getTime() ?? 0);
    await stack.untilPhase(id, 'open');
  });

  test('a report that was not restored: the sweep does not count', async () => {
    await sweep({});
    const before = await deps.sweeps.last();
    const lostRuns = {
      ...deps.lostRuns,
      completedSince: () => Promise.resolve([{ reportId: 'LOST-1', runId: 'any' }]),
      standingOf: unavailable,
      running: () => Promise.resolve([]),
    };
    const restored = await activities.call(() => restoreLedger({ ...deps, lostRuns }));
    expect(restored).toEqual({ woken: 0, failed: 1, isComplete: false });
    const result = { notified: {}, failed: 1, stuck: 0, tookMs: 1, atLeast: 90, isRestored: false };
    expect(await activities.call(() => recordSweep(deps, result))).toBe(90);
    expect(await deps.sweeps.last()).toMatchObject({
      counter: before?.counter,
      runId: before?.runId,
      endedUntil: before?.endedUntil,
      failed: 1,
    });
  });

  test('a run that could not be woken is overdue', async () => {
    const runs = { ...deps.runs, wake: unavailable };
    const woken = await activities.call(() => wakeUnfinished({ ...deps, runs }, { after: 'LOST-' }));
    expect(woken).toMatchObject({ woken: 0, next: undefined });
    expect(await deps.dueReports.due(10)).toContainEqual(expect.objectContaining({ id: 'LOST-1', reason: 'overdue' }));
  });
});
