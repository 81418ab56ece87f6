/** Customers who come late, or change their minds. */
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = `
default:
  survey: { contactCap: null, reminderAfter: null }
rules:
  - when: { ticketType: brief }
    survey: { expiresAfter: 3s }
  - when: { ticketType: final }
    survey: { expiresAfter: 3s }
    reopen: { within: 0s }
`;
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy, env: noSweep });
});
afterAll(() => stack.end());

test('too late to answer, but not to say that it is not solved: open again, and an operator reads why', async () => {
  const link = linkIn(await stack.ask('LATE-1', { ticketType: 'brief' })).replace(/\?.*/, '');
  await stack.untilSurvey('LATE-1', 'expired');
  const page = await (await fetch(link)).text();
  expect(page).toContain('You can no longer answer it');
  expect(page).toContain('>My problem is not solved</button>');
  expect(await (await fetch(`${link}?lang=de`)).text()).toContain('>Mein Problem ist nicht gelöst</button>');
  expect(page).toContain(`href="${new URL(link).pathname}?lang=de"`);
  const long = await post(`${link}/reopen`, { reason: 'x'.repeat(2001) });
  expect([long.status, await long.text()]).toEqual([422, expect.stringContaining('x'.repeat(2001))]);
  // Its tab is restored.
  expect(new URL((await fetch(`${link}/reopen`)).url).pathname).toBe(new URL(link).pathname);
  // A double click says it once.
  for (let twice = 0; twice < 2; twice++) {
    const said = await post(`${link}/reopen`, { reason: ' Dead again since Monday ' });
    const page = await fetch(stack.url(said.headers.get('location') ?? ''));
    expect([said.status, page.status, await page.text()]).toEqual([
      303,
      200,
      expect.stringContaining('LATE-1 is open again'),
    ]);
  }
  await stack.untilPhase('LATE-1', 'open', 2);
  expect(await stack.client.get('LATE-1')).toMatchObject({ statusReason: 'Dead again since Monday' });
  const alert = await until('the alert', async () => (await stack.alerts('LATE-1'))[0]);
  expect([alert.subject, alert.text]).toEqual([
    'Not fixed: report LATE-1',
    expect.stringContaining('> Dead again since Monday'),
  ]);
  // Once more, when the report is open already: the words are kept, and nothing else happens.
  const again = await post(`${link}/reopen`, { reason: 'And on Tuesday' });
  expect(again.status).toBe(303);
  const second = await until('the second alert', async () =>
    (await stack.alerts('LATE-1')).find(({ text }) => text?.includes('> And on Tuesday')),
  );
  expect(second.subject).toBe('A customer wrote about report LATE-1');
  expect((await stack.client.get('LATE-1')).cycle).toBe(2);
  expect(await stack.alerts('LATE-1')).toHaveLength(2);
});

test('what the link in the mail preselects is kept in every language', async () => {
  const link = linkIn(await stack.ask('CHOSEN-1')).replace(/\?.*/, '');
  const page = await (await fetch(`${link}?r=2&solved=no`)).text();
  expect(page).toContain(`href="${new URL(link).pathname}?lang=de&amp;r=2&amp;solved=no"`);
});

test('a comment that comes too late is typed in the form that is left, or else kept as a note', async () => {
  const late = linkIn(await stack.ask('WORDS-1', { ticketType: 'brief' })).replace(/\?.*/, '');
  await stack.untilSurvey('WORDS-1', 'expired');
  const page = await post(late, { score: '2', comment: 'It took three weeks' });
  expect([page.status, await page.text()]).toEqual([410, expect.stringContaining('>It took three weeks</textarea>')]);
  const final = linkIn(await stack.ask('WORDS-2', { ticketType: 'final' })).replace(/\?.*/, '');
  await stack.untilSurvey('WORDS-2', 'expired');
  expect((await post(final, { score: '2', comment: 'Never again' })).status).toBe(410);
  expect(await stack.client.timeline('WORDS-2')).toContainEqual(
    expect.objectContaining({ kind: 'message', direction: 'in', words: 'Never again' }),
  );
});

test('words that come too late are kept as far as a field is long, and not without end', async () => {
  const link = linkIn(await stack.ask('LONG-1', { ticketType: 'final' })).replace(/\?.*/, '');
  await stack.untilSurvey('LONG-1', 'expired');
  const say = async (reason: string) => (await post(`${link}/reopen`, { reason })).status;
  expect(await say('x'.repeat(10_000))).toBe(303);
  for (let n = 2; n <= 20; n++) expect(await say(`Call me ${n}`)).toBe(303);
  const tooMany = await post(`${link}/reopen`, { reason: 'Call me 21' });
  expect([tooMany.status, await tooMany.text()]).toEqual([
    409,
    expect.stringContaining('This link accepts nothing more.'),
  ]);
  expect(await say('Call me 20')).toBe(303); // is known
  const words = (await stack.client.timeline('LONG-1')).flatMap((entry) =>
    entry.kind === 'message' ? entry.words : [],
  );
  expect(words).toHaveLength(20);
  expect(Math.max(...words.map(({ length }) => length))).toBe(2000);
});

test('after the time in which a report can be reopened, the page only says that the survey has ended', async () => {
  const link = linkIn(await stack.ask('FINAL-1', { ticketType: 'final' })).replace(/\?.*/, '');
  await stack.untilSurvey('FINAL-1', 'expired');
  expect(await (await fetch(link)).text()).not.toContain('<form');
  expect((await post(`${link}/reopen`, {})).headers.get('location')).toMatch(/\/reopened$/);
  expect((await fetch(`${link}/reopened`)).status).toBe(410);
  expect((await stack.client.get('FINAL-1')).status).toBe('closed');
});

test('after "not solved", nothing offers to change the answer, because that is no longer possible', async () => {
  const link = linkIn(await stack.ask('UNSOLVED-1'));
  const answer = await post(link, { score: '2', solved: 'no' });
  const thanksPage = async () => (await fetch(stack.url(answer.headers.get('location') ?? ''))).text();
  const thanks = await thanksPage();
  expect(thanks).toContain('is open again');
  expect(thanks).not.toContain('Change my answer');
  await stack.untilPhase('UNSOLVED-1', 'open', 2);
  await stack.client.clear('UNSOLVED-1');
  await stack.untilSurvey('UNSOLVED-1', 'sent');
  expect(await thanksPage()).not.toContain('is open again');
});

test('an opt-out can be undone on its page, and then surveys are sent again', async () => {
  const contact = { name: 'Una', emailAddress: 'una@customers.example' };
  const mail = await stack.ask('UNDO-1', { contact });
  const link = /(http\S+\/u\/\S+)/.exec(mail.text ?? '')?.[1] ?? '';
  const done = await post(link, {});
  expect(await done.text()).toContain('Undo: keep sending me surveys');
  await stack.open('UNDO-2', { contact });
  await stack.client.clear('UNDO-2');
  expect((await stack.untilPhase('UNDO-2', 'done')).survey.reason).toBe('optedOut');
  for (let twice = 0; twice < 2; twice++)
    expect(await (await post(link, { undo: 'yes' })).text()).toContain('You will be asked again');
  await stack.ask('UNDO-3', { contact });
  expect(
    (await stack.client.timeline('UNDO-1')).filter((entry) => entry.kind === 'survey').map(({ event }) => event),
  ).toEqual(['sent', 'optedOut', 'optOutUndone']);
});

test('what is said while Temporal does not answer is stored, and sent by the sweep', async () => {
  const temporal = (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(stack.pids()['Temporal'] ?? NaN, signal);
  const link = linkIn(await stack.ask('AWAY-1', { ticketType: 'brief' })).replace(/\?.*/, '');
  await stack.untilSurvey('AWAY-1', 'expired');
  temporal('SIGSTOP');
  try {
    const said = await post(`${link}/reopen`, { reason: 'Dead since the storm' });
    expect(said.status).toBe(303);
    const page = await fetch(stack.url(said.headers.get('location') ?? ''));
    expect(await page.text()).toContain('AWAY-1 is open again');
    await post(`${link}/reopen`, { reason: 'It smells of fire' });
    await stack.client.surveys.reply('AWAY-1', 'We are on our way.', 'eve');
  } finally {
    temporal('SIGCONT');
  }
  const written = (await stack.client.timeline('AWAY-1')).filter(({ kind }) => kind === 'message');
  expect(written).toMatchObject([
    { direction: 'in', words: 'It smells of fire' },
    { direction: 'out', by: 'eve' },
  ]);
  await stack.sql(`update stored_reopenings set received_at = received_at - interval '1 minute'`);
  await stack.sql(`update messages set at = at - interval '2 minutes' where sent_at is null`);
  await stack.client.overview.sweep();
  await stack.untilPhase('AWAY-1', 'open', 2);
  expect(await stack.client.get('AWAY-1')).toMatchObject({ statusReason: 'Dead since the storm' });
  await until('the reply', async () => (await stack.mails('AWAY-1')).some(({ text }) => text?.includes('on our way')));
  await stack.client.overview.sweep();
  expect(await stack.sql('select from stored_reopenings')).toEqual([]);
  expect((await stack.client.get('AWAY-1')).cycle).toBe(2);
});

test('an answer that no run handled before its report was reopened reaches an operator', async () => {
  const link = linkIn(await stack.ask('PASSED-1'), 1);
  const cutOff = await stack.secondGateway({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect((await post(cutOff.moved(link), { score: '1', comment: 'Nobody came' })).status).toBe(303);
  await cutOff.end();
  await stack.client.reopen('PASSED-1', { by: 'eve' });
  await stack.untilPhase('PASSED-1', 'open', 2);
  expect(await stack.alerts('PASSED-1')).toEqual([]);
  await stack.sql(`update answers set changed_at = changed_at - interval '2 minutes'`);
  await stack.client.overview.sweep();
  const [alert] = await until('the alert', async () => {
    const alerts = await stack.alerts('PASSED-1');
    return alerts.length > 0 && alerts;
  });
  expect(alert?.text).toContain('Nobody came');
  expect(await stack.sql('select from answers where acted_on_revision < revision')).toEqual([]);
});

test('what a customer wrote about a report that is cancelled first reaches an operator', async () => {
  await stack.open('ENDED-1');
  await stack.ask('ENDED-2');
  await stack.client.cancel('ENDED-1');
  await stack.untilPhase('ENDED-1', 'done');
  // The page had offered it before the cancellation was written.
  await stack.sql(`update surveys set report_id = 'ENDED-1', cycle = 7 where report_id = 'ENDED-2'`);
  await stack.sql(
    `insert into change_reasons (report_id, id, reason) values ('ENDED-1', 'ended-1', 'It still smokes')`,
  );
  await stack.sql(`insert into stored_reopenings (id, report_id, has_reason, received_at)
    values ('ended-1', 'ENDED-1', true, now() - interval '1 minute')`);
  await stack.client.overview.sweep();
  expect(await stack.sql('select from stored_reopenings')).toEqual([]);
  await stack.sql(`update messages set at = at - interval '2 minutes' where begun_at is null`);
  await stack.client.overview.sweep();
  await until('the alert', async () => (await stack.mails()).some(({ text }) => text?.includes('It still smokes')));
});

test('an opt-out counts for the address that was mailed, whatever has become of the report', async () => {
  const contact = { name: 'Otto', emailAddress: 'otto@customers.example' };
  const ask = async (id: string, customerId: string) =>
    /(http\S+\/u\/\S+)/.exec((await stack.ask(id, { contact, customerId })).text ?? '')?.[1] ?? '';
  const reasonOf = async (id: string, emailAddress: string) => {
    await stack.open(id, { contact: { emailAddress } });
    await stack.client.clear(id);
    return (await stack.untilStatus(id, 'its survey', ({ survey }) => survey.state !== 'none')).survey.reason;
  };
  const erased = await ask('OUT-1', 'C-OUT');
  const corrected = await ask('OUT-2', 'C-STAYS');
  expect(await stack.closeout('erase', 'C-OUT', '--yes')).toMatchObject({ code: 0 });
  await stack.sql(`update contacts set email_address = 'new@customers.example' where report_id = 'OUT-2'`);
  for (const [n, link] of [erased, corrected].entries()) {
    expect(await (await post(link, {})).text()).toContain('Undo: keep sending me surveys');
    expect(await reasonOf(`OLD-${n}`, contact.emailAddress)).toBe('optedOut');
    expect(await reasonOf(`NEW-${n}`, 'new@customers.example')).toBeUndefined();
    expect(await (await post(link, { undo: 'yes' })).text()).toContain('You will be asked again');
  }
  // Sent once more, to the corrected address, whose link is the same.
  const mailedTo = () => stack.sql(`select mailed_to from surveys where report_id = 'OUT-2'`);
  const before = JSON.stringify(await mailedTo());
  await stack.closeout('resend-survey', 'OUT-2');
  await until('the other address', async () => JSON.stringify(await mailedTo()) !== before);
  expect((await post(corrected, {})).status).toBe(200);
  expect(await reasonOf('AGAIN', 'new@customers.example')).toBe('optedOut');
  // Of a survey that was mailed before its address was kept, and then erased.
  await stack.sql(`update surveys set mailed_to = null where report_id = 'OUT-1'`);
  expect((await post(erased, {})).status).toBe(404);
});

test('what a customer wrote too late reaches an operator also if somebody else reopens the report first', async () => {
  const say = (id: string, change: string, reason: string) =>
    Promise.all([
      stack.sql(`insert into change_reasons (report_id, id, reason) values ('${id}', '${change}', '${reason}')`),
      stack.sql(`insert into stored_reopenings (id, report_id, has_reason, received_at)
        values ('${change}', '${id}', true, now() - interval '1 minute')`),
    ]);
  const wordsOf = async (id: string) =>
    (await stack.client.timeline(id)).flatMap((entry) => (entry.kind === 'message' ? [entry.words] : []));
  await stack.ask('FIRST-1');
  await say('FIRST-1', 'said-1', 'Dead since noon');
  await stack.client.reopen('FIRST-1', { by: 'noc', reason: 'Seen on the line' });
  await stack.untilPhase('FIRST-1', 'open', 2);
  expect(await wordsOf('FIRST-1')).toEqual(['Dead since noon']);
  // Its run has received it, and it changed nothing.
  await say('FIRST-1', 'said-2', 'Still dead');
  await stack.sql(`update reports set received = jsonb_set(received, '{ids}', received -> 'ids' || '["said-2"]')
    where id = 'FIRST-1'`);
  await stack.client.overview.sweep();
  expect(await wordsOf('FIRST-1')).toEqual(['Dead since noon', 'Still dead']);
  expect(await stack.sql(`select from stored_reopenings where report_id = 'FIRST-1'`)).toEqual([]);
  await stack.sql(`update messages set at = at - interval '2 minutes'`);
  await stack.client.overview.sweep();
  await until('the alerts', async () => (await stack.alerts('FIRST-1')).length === 2);
});

test('"not solved" about a report that was reopened and then cancelled says that it was cancelled', async () => {
  const link = linkIn(await stack.ask('VOID-1', { ticketType: 'brief' })).replace(/\?.*/, '');
  await stack.untilSurvey('VOID-1', 'expired');
  await stack.client.reopen('VOID-1', { by: 'noc' });
  await stack.untilPhase('VOID-1', 'open', 2);
  await stack.client.cancel('VOID-1', { by: 'noc' });
  await stack.untilPhase('VOID-1', 'done');
  const { headers } = await post(`${link}/reopen`, {});
  const page = await (await fetch(stack.url(headers.get('location') ?? ''))).text();
  expect(page).not.toContain('is open again');
  expect(page).toContain('cancelled');
});
