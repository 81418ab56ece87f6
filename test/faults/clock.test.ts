/** The clock of the machine of workers and gateway jumps, while PostgreSQL and Temporal have the right time. */
import { rm } from 'node:fs/promises';
import { setClock, shiftedClock } from '../stack/clock.js';
import { brokenInvariants } from '../stack/invariants.js';
import { readinessOf } from '../stack/readiness.js';
import { Stack } from '../stack/stack.js';
import { callApi, ticketPath } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';

const policy = `
default: { survey: { contactCap: null } }
rules:
  - when: { ticketType: kept }
    holdDown: 3s
  - when: { ticketType: delayed }
    survey: { delay: 3s }
  - when: { ticketType: confirmed }
    confirmation: { window: 1d, warnBefore: null, businessHours: null }
`;

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: shiftedClock });
});
afterAll(async () => {
  await stack.end();
  await rm(shiftedClock.CLOCK_FILE, { force: true });
});

const clear = (id: string) => callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status: 'resolved' });

test.each([
  ['an hour ahead', 60],
  ['an hour behind', -60],
])('%s: what waits goes on, and what comes is closed, once', async (_, minutes) => {
  const ids: Record<string, string> = {};
  for (const type of ['fault', 'kept', 'delayed', 'confirmed'])
    for (const when of ['before', 'after'])
      ids[`${type} ${when}`] = await stack.open(`${type}-${when}-${minutes}`, { ticketType: type });
  for (const type of ['delayed', 'confirmed', 'kept']) await clear(ids[`${type} before`] ?? '');
  await stack.untilStatus(ids['kept before'] ?? '', 'cleared', ({ phase }) => phase !== 'open');
  await setClock(minutes);
  await clear(ids['fault before'] ?? '');
  for (const type of ['fault', 'kept', 'delayed', 'confirmed']) await clear(ids[`${type} after`] ?? '');
  for (const [what, id] of Object.entries(ids)) {
    if (what.startsWith('confirmed')) {
      await stack.untilAsked(id);
      const survey = await stack.client.surveys.ofCycle(id, 1);
      await stack.client.surveys.confirm(survey?.id ?? '', {
        fixed: true,
        clearedAt: survey?.confirmFor ?? new Date(),
      });
    }
    await until(`${id} to be closed`, async () => (await stack.client.get(id)).status === 'closed');
    await stack.untilSurvey(id, 'sent');
  }
  // What is recorded has PostgreSQL's time.
  const wrong = `closed_at > now() or closed_at < now() - interval '10 minutes'`;
  expect(await stack.sql(`select id, closed_at from reports where ${wrong}`)).toEqual([]);
  // A worker that polls counts as one.
  await until('/readyz to be ok', async () => (await readinessOf(stack)).status === 'ok');
  await setClock(0);
  expect(await brokenInvariants(stack)).toEqual([]);
});
