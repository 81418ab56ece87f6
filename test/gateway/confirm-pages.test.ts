import { askToConfirm, confirmationPolicy as policy, confirmLink } from '../stack/confirmation.js';
import { post } from '../stack/http.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: noSweep });
});
afterAll(() => stack.end());

const cleared = (id: string) => askToConfirm(stack, id);

test('no word of a customer is lost: with a yes, said twice, or too late', async () => {
  const notesOf = async (id: string) =>
    ((await stack.client.get(id)).document['note'] as { text: string }[]).map(({ text }) => text);
  const yes = await cleared('WORDS-1');
  await post(confirmLink(yes), { fixed: 'yes', reason: 'Took long' });
  expect(await notesOf('WORDS-1')).toEqual(['Took long']);
  const [alert] = await until('the alert', async () => {
    const alerts = await stack.alerts('WORDS-1');
    return alerts.length > 0 && alerts;
  });
  expect([alert?.subject, alert?.text]).toEqual([
    'A customer wrote about report WORDS-1',
    expect.stringContaining('> Took long'),
  ]);
  const no = await cleared('WORDS-2');
  for (const reason of ['Dead', 'Dead', 'Dead and hot']) await post(confirmLink(no), { fixed: 'no', reason });
  expect(await notesOf('WORDS-2')).toEqual(['Dead', 'Dead and hot']);
  const written = (await stack.client.timeline('WORDS-2')).filter(({ kind }) => kind === 'message');
  expect(written).toMatchObject([{ words: 'Dead and hot' }]); // a double click is no message
  const late = await cleared('WORDS-3');
  await stack.client.reopen('WORDS-3', { by: 'noc', reason: 'Seen on the line' });
  await stack.untilPhase('WORDS-3', 'open');
  expect((await post(confirmLink(late), { fixed: 'no', reason: 'Noisy' })).status).toBe(410);
  expect(await notesOf('WORDS-3')).toEqual(['Noisy']);
});

test('a "no" that is said twice after the closing is one alert', async () => {
  const link = confirmLink(await cleared('TWICE-1'));
  await stack.client.operate('skipSurvey', 'TWICE-1', { by: 'eve' });
  await stack.client.operate('release', 'TWICE-1', { by: 'eve' });
  await stack.untilPhase('TWICE-1', 'done');
  expect((await post(link, { fixed: 'no', reason: 'Dead' })).status).toBe(200);
  await stack.untilPhase('TWICE-1', 'open', 2);
  expect((await post(link, { fixed: 'no', reason: 'Dead' })).status).toBe(410);
  expect((await stack.client.get('TWICE-1')).statusReason).toBe('Dead');
  expect((await stack.client.timeline('TWICE-1')).filter(({ kind }) => kind === 'message')).toEqual([]);
});

test('a page that is opened too late, before the report is closed, says so', async () => {
  const link = confirmLink(await cleared('SOON-1'));
  await stack.sql(`update surveys set confirmation = 'silence', reopen_until = now() where report_id = 'SOON-1'`);
  const page = await fetch(link);
  expect([page.status, await page.text()]).toEqual([410, expect.not.stringContaining('undefined')]);
});

test('what a customer wrote to a "no" reaches an operator, too, if somebody else reopens the report first', async () => {
  await cleared('FIRST-1');
  await stack.sql(`update surveys set confirmation = 'no', confirmed_at = now(), confirm_reason = 'Dead'
    where report_id = 'FIRST-1'`);
  await stack.client.reopen('FIRST-1', { by: 'noc', reason: 'Seen on the line' });
  await stack.untilPhase('FIRST-1', 'open');
  const written = (await stack.client.timeline('FIRST-1')).filter(({ kind }) => kind === 'message');
  expect(written).toMatchObject([{ words: 'Dead' }]);
});

test('a customer may add to a "no" twenty times', async () => {
  const link = confirmLink(await cleared('OFTEN-1'));
  const statuses: number[] = [];
  for (let n = 0; n < 22; n++) statuses.push((await post(link, { fixed: 'no', reason: `Dead ${n}` })).status);
  expect([statuses[0], new Set(statuses.slice(1, 21)), statuses[21]]).toEqual([303, new Set([200]), 409]);
  expect(JSON.stringify((await stack.client.get('OFTEN-1')).document['note'])).toMatch(/Dead 20(?!.*Dead 21)/);
  await stack.untilPhase('OFTEN-1', 'open');
  expect((await stack.client.get('OFTEN-1')).statusReason).toBe('Dead 0');
});

test('a link is good for its own page only, and bad input is refused', async () => {
  const mail = await cleared('FORM-1');
  const link = confirmLink(mail);
  expect((await fetch(link.replace('/c/', '/s/'))).status).toBe(404);
  expect((await fetch(link, { method: 'HEAD' })).status).toBe(200);
  expect((await post(link, {})).status).toBe(400);
  expect((await post(link, { fixed: 'no', reason: 'x'.repeat(2001) })).status).toBe(422);
  expect((await post(link, { fixed: 'yes' }, { origin: 'https://evil.example' })).status).toBe(403);
  expect(await stack.client.status('FORM-1')).toMatchObject({ phase: 'confirming' });
});
