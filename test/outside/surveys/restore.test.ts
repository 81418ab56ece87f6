/** What a run writes again about its survey after PostgreSQL was restored to an earlier time. */
import type { Survey } from '../../../src/contract/survey.js';
import { openDatabase, type Db } from '../../../src/outside/database/database.js';
import { restoreSurvey } from '../../../src/outside/surveys/restore.js';
import { nothingReceived } from '../../../src/policy/changes.js';
import type { Standing } from '../../../src/policy/standing.js';
import { day, hour } from '../../../src/policy/time.js';
import { loadConfig } from '../../../src/setup/config.js';
import { surveyEvents } from '../../stack/history.js';
import { noSweep } from '../../stack/no-sweep.js';
import { Stack } from '../../stack/stack.js';

let stack: Stack;
let db: Db;
beforeAll(async () => {
  stack = await Stack.start({ env: noSweep });
  db = openDatabase(loadConfig({ ...stack.env }).databaseUrl, () => undefined);
});
afterAll(async () => {
  await db.destroy();
  await stack.end();
});

const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
const clearedAt = fromNow(-hour);
const closesAt = fromNow(hour);
const asked = { surveyId: 'id', state: 'sent' as const, clearedAt, closesAt, askedAt: clearedAt };

/** What the database holds before, what the run knows, and what the database holds afterwards. */
const cases: [string, Partial<Survey> | undefined, Partial<Standing>, Partial<Survey>][] = [
  [
    'a survey that was sent',
    undefined,
    { survey: { state: 'sent', sentAt: clearedAt, expiresAt: closesAt } },
    { state: 'sent', sentAt: new Date(clearedAt), mailedAt: new Date(clearedAt), expiresAt: new Date(closesAt) },
  ],
  [
    'that the reminder was sent',
    { state: 'sent' },
    { survey: { state: 'sent' }, reminded: true },
    { state: 'sent', remindedAt: expect.any(Date) as Date },
  ],
  [
    'that an operator has given the customer more time',
    { state: 'sent', expiresAt: new Date(closesAt) },
    { survey: { state: 'sent', expiresAt: fromNow(7 * day) } },
    { state: 'sent', expiresAt: expect.any(Date) as Date },
  ],
  [
    'nothing about a survey that has ended since',
    { state: 'answered' },
    { survey: { state: 'sent' }, reminded: true },
    { state: 'answered', remindedAt: null },
  ],
  [
    'that the customer was asked',
    { state: 'queued', confirmation: 'queued', confirmFor: new Date(clearedAt) },
    { confirmation: { ...asked, warnAt: closesAt } },
    { state: 'queued', confirmation: 'sent', warnedAt: null, mailedAt: new Date(clearedAt) },
  ],
  [
    'that the customer was asked about a later clearing',
    { state: 'queued', confirmation: 'sent', confirmFor: new Date(fromNow(-day)), mailedAt: new Date(fromNow(-day)) },
    { confirmation: { ...asked, warnAt: closesAt } },
    { confirmation: 'sent', confirmFor: new Date(clearedAt), mailedAt: new Date(clearedAt), warnedAt: null },
  ],
  [
    'that the customer, who had said "no" to an earlier clearing, has not replied to a later one',
    { state: 'queued', confirmation: 'no', confirmFor: new Date(fromNow(-day)), confirmedAt: new Date(fromNow(-hour)) },
    { confirmation: { ...asked, warnAt: closesAt } },
    { confirmation: 'sent', confirmFor: new Date(clearedAt), confirmedAt: null },
  ],
  [
    'that the customer was warned',
    { state: 'queued', confirmation: 'sent', confirmFor: new Date(clearedAt) },
    { confirmation: { ...asked, warned: true } },
    { confirmation: 'sent', warnedAt: expect.any(Date) as Date },
  ],
  [
    'no warning if the policy has none',
    { state: 'queued', confirmation: 'sent', confirmFor: new Date(clearedAt) },
    { confirmation: asked },
    { confirmation: 'sent', warnedAt: null },
  ],
  [
    'that the customer has confirmed',
    { state: 'skipped', reason: 'sampledOut', confirmation: 'sent', confirmFor: new Date(clearedAt) },
    { confirmation: { ...asked, state: 'yes' } },
    { state: 'skipped', reason: 'sampledOut', confirmation: 'yes' },
  ],
  [
    'nothing about a customer who has replied since',
    { state: 'queued', confirmation: 'no', confirmFor: new Date(clearedAt) },
    { confirmation: asked },
    { confirmation: 'no', warnedAt: null },
  ],
];

test.each(cases)('%s', async (what, before, known, after) => {
  const reportId = await stack.open(`BACK-${cases.findIndex(([name]) => name === what)}`);
  const id = `survey of ${reportId}`;
  if (before)
    await db
      .insertInto('surveys')
      .values({ id, reportId, cycle: 1, state: 'queued', ...before })
      .execute();
  const standing: Standing = {
    state: 'closed',
    cycle: 1,
    rev: 1,
    received: nothingReceived(),
    survey: { state: 'none' },
    reminded: false,
    ...known,
  };
  const report = { id: reportId, customerId: null, serviceProblemId: null };
  const restore = () => restoreSurvey(db, () => id, report, standing, { brand: null, questionId: 1 });
  const stored = () => db.selectFrom('surveys').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  await restore();
  const once = await stored();
  expect(once).toMatchObject(after);
  await restore();
  expect(await stored()).toEqual(once);
  const sent = (await surveyEvents(stack, reportId)).filter(({ event }) => event === 'sent');
  expect(sent).toHaveLength(known.survey?.sentAt ? 1 : 0);
});

test('nothing of the cycle before, which the run still knows just after a reopening', async () => {
  const reportId = await stack.open('BEFORE-1');
  const standing = { state: 'open' as const, cycle: 2, rev: 2, received: nothingReceived(), reminded: false };
  const known: Standing = { ...standing, survey: { state: 'answered', id: 'that of cycle 1' } };
  const report = { id: reportId, customerId: null, serviceProblemId: null };
  await restoreSurvey(db, () => 'that of cycle 2', report, known, { brand: null, questionId: 1 });
  expect(await stack.sql('select from surveys where report_id = $1', [reportId])).toEqual([]);
});
