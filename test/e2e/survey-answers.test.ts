import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

const policy = `
rules:
  - when: { ticketType: old }
    reopen: { within: 1s }
`;
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy });
});
afterAll(() => stack.end());

async function surveyOf(id: string) {
  const survey = await stack.client.surveys.ofCycle(id, 1);
  if (!survey) throw new Error(`no survey of ${id}`);
  return survey;
}

const revisionsOf = async (id: string) => (await stack.client.timeline(id)).filter((entry) => entry.kind === 'answer');

test('an answer may be changed: one response with its revisions; a low score that is improved withdraws its alert', async () => {
  const link = linkIn(await stack.ask('EDIT-1'));
  await post(link, [
    ['score', '1'],
    ['ask-reasons', 'slow'],
    ['ask-reasons', 'poorlyInformed'],
    ['comment', 'three days without a line'],
  ]);
  const alert = await until('the alert', async () =>
    (await stack.alerts('EDIT-1')).find(({ subject }) => subject?.startsWith('Score 1')),
  );
  expect(alert.text).toContain('It took too long');
  await stack.untilPhase('EDIT-1', 'done');

  expect(await (await fetch(link)).text()).toContain('You have already answered. You can change your answer until');
  expect((await post(link, { score: '5' })).status).toBe(303);
  const taken = await until('the retraction', async () =>
    (await stack.alerts('EDIT-1')).find(({ subject }) => subject?.startsWith('Withdrawn')),
  );
  expect(taken.inReplyTo).toBe(alert.messageId);
  const survey = await surveyOf('EDIT-1');
  expect(await stack.client.surveys.answerOf(survey.id)).toMatchObject({ score: 5, comment: null, revision: 2 });
  expect((await revisionsOf('EDIT-1')).map(({ score, followUps }) => [score, followUps])).toEqual([
    [1, { reasons: ['slow', 'poorlyInformed'] }],
    [5, {}],
  ]);
  const { ratings } = await stack.client.overview.stats();
  expect(ratings[0]?.distribution[0]).toBe(0);
  // Two mails about the answer in all: the same answer again tells nobody anything.
  await post(link, { score: '5' });
  expect((await revisionsOf('EDIT-1')).length).toBe(2);
});

test('"not solved" with a text reopens; too late for that, a report is opened that refers to the old one', async () => {
  const link = linkIn(await stack.ask('LATE-1', { ticketType: 'old' }));
  await until('the time to reopen to be over', async () => {
    const { reopenUntil: time } = await surveyOf('LATE-1');
    return time !== null && time.getTime() < Date.now();
  });
  const answer = await post(link, { solved: 'no', comment: 'dead again' });
  const thanks = await (await fetch(new URL(answer.headers.get('location') ?? '', link))).text();
  expect(thanks).toContain('we opened report LATE-1-after-1');
  await stack.untilPhase('LATE-1-after-1', 'open', 1);
  await stack.untilPhase('LATE-1', 'done');
  expect((await stack.client.get('LATE-1')).status).toBe('closed');
  const followUp = await stack.client.get('LATE-1-after-1');
  expect(followUp.document).toMatchObject({
    troubleTicketRelationship: [{ id: 'LATE-1', relationshipType: 'followUp' }],
  });
  expect((await stack.ask('AFTER-1', { customerId: 'other' })).subject).toContain('AFTER-1');
});

test('an answer to a cycle that is over can no longer be changed: the page does not claim that it reopened anything', async () => {
  const id = 'OVER-1';
  const first = linkIn(await stack.ask(id));
  await post(first, { solved: 'no' });
  await stack.untilPhase(id, 'open', 2);
  expect((await post(first, { score: '1' })).status).toBe(410);
  await stack.client.clear(id);
  await stack.untilSurvey(id, 'sent');
  const again = await post(first, { solved: 'no', comment: 'still not' });
  expect(again.status).toBe(410);
  expect(await again.text()).toContain('This survey was replaced');
});

test('a NUL in a comment is left out; elsewhere it is refused with a message', async () => {
  const link = linkIn(await stack.ask('NUL-1'));
  expect((await post(link, { score: '4', comment: 'a\0b' })).status).toBe(303);
  expect(await stack.client.surveys.answerOf((await surveyOf('NUL-1')).id)).toMatchObject({ comment: 'ab' });
  const ticket = { description: 'a\0b', severity: 'minor', ticketType: 'fault' };
  const answer = await fetch(stack.url('/tmf-api/troubleTicket/v4/troubleTicket'), {
    method: 'POST',
    body: JSON.stringify(ticket),
    headers: { 'content-type': 'application/json' },
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('U+0000');
});

test('one-click unsubscribing works as multipart too (RFC 8058 §3.2)', async () => {
  const contact = { emailAddress: 'multi@customers.example' };
  const mail = await stack.ask('MULTI-1', { contact });
  const link = /(http\S+\/u\/\S+)/.exec(mail.text ?? '')?.[1] ?? '';
  const body = new FormData();
  body.set('List-Unsubscribe', 'One-Click');
  expect((await fetch(link, { method: 'POST', body })).status).toBe(200);
  await stack.open('MULTI-2', { contact });
  await stack.client.clear('MULTI-2');
  expect((await stack.untilPhase('MULTI-2', 'done')).survey).toEqual({ state: 'skipped', reason: 'optedOut' });
});

test('1,000 random and hostile tokens get one and the same 404', async () => {
  const random = () =>
    Array.from({ length: 3 }, () => Math.random().toString(36).slice(2, 18) || 'x').join(
      Math.random() < 0.5 ? '.' : '..',
    );
  const hostile = [
    '..',
    '%2e%2e%2f',
    "'; drop table surveys; --",
    '<script>',
    '\u0000',
    '💥',
    'a'.repeat(500),
    '.k1.',
    '..k1',
  ];
  const tokens = [...hostile, ...Array.from({ length: 991 }, random)].map((token) => encodeURIComponent(token));
  const bodies = new Set<string>();
  for (let from = 0; from < tokens.length; from += 50) {
    const answers = await Promise.all(tokens.slice(from, from + 50).map((token) => fetch(stack.url(`/s/${token}`))));
    for (const answer of answers) {
      // What a URL normalises away never reaches the page of a survey.
      if (answer.url.includes('/s/')) expect(answer.status).toBe(404);
      if (answer.status === 404) bodies.add(await answer.text());
    }
  }
  expect(bodies.size).toBe(1);
});

test('a link that is posted to a hundred times is answered with 429 and a page', async () => {
  const link = linkIn(await stack.ask('FLOOD-1'));
  const answers = await Promise.all(Array.from({ length: 100 }, () => post(link, {})));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(70);
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused[0]?.text()).toContain('wait a minute');
  const other = linkIn(await stack.ask('FLOOD-2'));
  expect((await post(other, { score: '5' })).status).toBe(303);
});

test('the page speaks the report’s language, else the browser’s, and can be switched', async () => {
  const contact = {
    name: 'أمل',
    emailAddress: 'amal@customers.example',
    preferredLanguage: 'ar',
    timeZone: 'Asia/Dubai',
  };
  const mail = await stack.ask('LANG-1', { contact });
  expect(mail.subject).toBe('هل حُلّت مشكلتك؟ البلاغ LANG-1');
  expect(mail.html).toContain('<html lang="ar" dir="rtl">');
  expect(mail.text).toContain('Asia/Dubai');
  const link = linkIn(mail);
  const page = async (url: string, language = '') =>
    (await fetch(url, { headers: { 'accept-language': language } })).text();
  expect(await page(link, 'fr')).toContain('<html lang="ar" dir="rtl">');
  expect(await page(`${link}&lang=de`)).toContain('<html lang="de" dir="ltr">');
  const plain = linkIn(await stack.ask('LANG-2'));
  expect(await page(plain, 'xx, fr-CA;q=0.8')).toContain('<html lang="fr" dir="ltr">');
  expect(await page(plain)).toContain('<html lang="en" dir="ltr">');
  expect(await page(plain, 'de;q=0, en;q=0.1, ar;q=0.9')).toContain('<html lang="ar" dir="rtl">');
});

test('a low score that is changed to "not solved" alerts again, because the report is open again', async () => {
  const link = linkIn(await stack.ask('WORSE-1', { customerId: 'worse' }));
  await post(link, { score: '2' });
  const low = await until('the alert', async () =>
    (await stack.alerts('WORSE-1')).find(({ subject }) => subject?.startsWith('Score 2')),
  );
  await stack.untilPhase('WORSE-1', 'done');
  await post(link, { score: '2', solved: 'no', comment: 'dead again\r\nsince noon' });
  const alert = await until('the second alert', async () =>
    (await stack.alerts('WORSE-1')).find(({ subject }) => subject?.startsWith('Not solved')),
  );
  expect(alert.inReplyTo).toBe(low.messageId);
  expect(alert.text).toContain('> dead again');
  await stack.untilPhase('WORSE-1', 'open', 2);
  const { id } = await surveyOf('WORSE-1');
  expect((await stack.client.surveys.answerOf(id))?.comment).toBe('dead again\nsince noon');
  expect(await stack.alerts('WORSE-1')).toHaveLength(2);
});
