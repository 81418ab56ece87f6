import { writeFile } from 'node:fs/promises';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/** Questions of the company's own: other scales, follow-up questions, versions. */
const policy = (question: string) => `
questions:
  loyalty:
    scale: nps
    text: { en: "${question}", de: "Empfehlen Sie Quokka?" }
    followUps:
      - id: better
        atMost: 8
        text: { en: What should we do better?, de: Was sollten wir besser machen? }
        choices:
          speed: { en: Be faster, de: Schneller sein }
          price: { en: Be cheaper, de: Günstiger sein }
      - id: why
        text: { en: Why?, de: Warum? }
      - reasons
default:
  survey: { contactCap: null }
rules:
  - when: { ticketType: loyalty }
    survey: { question: loyalty }
  - when: { ticketType: fleeting }
    survey: { question: loyalty, expiresAfter: 3s }
    reopen: { within: 0s }
  - when: { ticketType: thumbs }
    survey: { question: thumbs }
  - when: { ticketType: effort }
    survey: { question: effort }
    confirmation: {}
`;

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ policy: policy('Would you recommend Quokka?') });
});
afterAll(() => stack.end());

const contact = { name: 'Ann', emailAddress: 'ann@customers.example', preferredLanguage: 'en' };
const loyal = (customerId: string) => ({ ticketType: 'loyalty', customerId, contact });
const ratingsOf = async (name: string) =>
  (await stack.client.overview.stats()).ratings.filter(({ question }) => question === name);

test('the customer is asked the company’s own question on its scale, and follow-up questions for the score', async () => {
  const mail = await stack.ask('NPS-1', loyal('C-1'));
  expect(mail.text).toContain('Would you recommend Quokka?');
  expect(mail.text?.match(/\?r=\d+/g)).toHaveLength(11);
  const link = linkIn(mail, 0);
  const page = await (await fetch(link)).text();
  expect(page).toContain('Would you recommend Quokka?');
  expect(page).toContain('What should we do better?');
  expect(page.match(/<input type="radio" name="score"[^>]* checked/g)).toHaveLength(1);
  expect((await post(link, { score: '11' })).status).toBe(400);
  const long = await post(link, { score: '8', 'ask-why': 'x'.repeat(501) });
  expect([long.status, await long.text()]).toEqual([422, expect.stringContaining('href="#ask-why"')]);
  const answers = { 'ask-better': 'price', 'ask-why': 'unicorn words', 'ask-reasons': 'slow' };
  expect((await post(link, { score: '8', ...answers })).status).toBe(303);
  expect(await stack.untilPhase('NPS-1', 'done')).toMatchObject({ score: 8, scale: 'nps' });
  const survey = await stack.client.surveys.ofCycle('NPS-1', 1);
  const answer = await stack.client.surveys.answerOf(survey?.id ?? '');
  // Reasons are asked up to 6.
  expect(answer?.followUps).toEqual({ better: ['price'], why: 'unicorn words' });
  const { stdout } = await stack.closeout('timeline', 'NPS-1');
  expect(stdout).toContain('8 of 10, price');
  expect(stdout).toContain('why: unicorn words');
});

test('what is written below a question is kept if it comes too late', async () => {
  const link = linkIn(await stack.ask('LATE-1', { ...loyal('C-late'), ticketType: 'fleeting' }), 0);
  await stack.untilSurvey('LATE-1', 'expired');
  // What is left asks no question, so it has every language.
  expect(await (await fetch(`${link.replace(/\?.*/, '')}?lang=fr`)).text()).toContain('<html lang="fr"');
  const answers = { 'ask-better': 'price', 'ask-why': 'the hold music', comment: 'and the wait' };
  expect((await post(link, { score: '0', ...answers })).status).toBe(410);
  expect(await stack.client.timeline('LATE-1')).toContainEqual(
    expect.objectContaining({ kind: 'message', words: 'the hold music\n\nand the wait' }),
  );
});

test('a low score on its scale alerts with what was ticked and written', async () => {
  await post(linkIn(await stack.ask('NPS-2', loyal('C-2'))), {
    score: '0',
    'ask-why': 'gave up',
    'ask-reasons': 'slow',
  });
  const alert = await until('the alert', async () => (await stack.alerts('NPS-2'))[0]);
  expect(alert.subject).toBe('Score 0 of 10: report NPS-2');
  expect(alert.text).toContain('Reasons: It took too long');
  expect(alert.text).toContain('> why: gave up');
});

test('one customer is asked for loyalty once in 90 days, whatever the contact cap', async () => {
  await stack.open('NPS-3', loyal('C-1'));
  await stack.client.clear('NPS-3');
  expect((await stack.untilPhase('NPS-3', 'done')).survey).toEqual({ state: 'skipped', reason: 'questionCap' });
  await stack.ask('OTHER-1', { ticketType: 'thumbs', customerId: 'C-1' });
});

test('a customer without a language of the question is asked in its first one', async () => {
  expect(
    (await stack.ask('NPS-4', { ...loyal('C-4'), contact: { ...contact, preferredLanguage: 'fr' } })).text,
  ).toContain('Would you recommend Quokka?');
  const german = { ...contact, preferredLanguage: 'de' };
  const mail = await stack.ask('NPS-5', { ...loyal('C-5'), contact: german });
  expect(mail.text).toContain('Empfehlen Sie Quokka?');
  const page = await (await fetch(linkIn(mail))).text();
  expect(page.match(/hreflang="[^"]+"/g)).toEqual(['hreflang="en"']);
});

test('the usual question is the one that was there from the start', async () => {
  await stack.ask('USUAL-1');
  expect(await stack.client.surveys.ofCycle('USUAL-1', 1)).toMatchObject({ questionId: 1 });
});

test('thumbs in the mail, and effort after a confirmation, are asked and answered on their scales', async () => {
  const up = await stack.ask('UP-1', { ticketType: 'thumbs', contact });
  expect(up.text).toContain('👍 Yes');
  await post(linkIn(up, 1), { score: '1' });
  expect(await stack.untilPhase('UP-1', 'done')).toMatchObject({ score: 1, scale: 'thumbs' });

  await stack.open('EASY-1', { ticketType: 'effort', contact });
  await stack.client.clear('EASY-1');
  await stack.untilAsked('EASY-1');
  const [asked] = await stack.untilMails('EASY-1', 1);
  const link = /http\S+\/c\/\S+/.exec(asked?.text ?? '')?.[0] ?? '';
  expect((await post(link, { fixed: 'yes' })).status).toBe(303);
  const page = await until('the question', async () => {
    const shown = await (await fetch(link.replace(/\?.*/, ''))).text();
    return shown.includes('easy to get my problem solved') && shown;
  });
  const form = stack.url(/action="([^"]+)"/.exec(page)?.[1] ?? '');
  expect((await post(form, { score: '7' })).status).toBe(303);
  expect(await stack.untilPhase('EASY-1', 'done')).toMatchObject({ score: 7, scale: 'effort' });
  const filter = 'CloseoutScale = "effort" AND CloseoutScore = 7';
  await until('the run to be found by its scale', async () => {
    for await (const { workflowId } of stack.temporal.workflow.list({ query: filter }))
      if (workflowId.endsWith('EASY-1')) return true;
    return false;
  });
});

test('a changed question is a new version: links sent before ask the old one, and no figure mixes the two', async () => {
  const old = linkIn(await stack.ask('OLD-1', loyal('C-old')));
  await stack.down();
  await writeFile(stack.env['CLOSEOUT_POLICY'] ?? '', policy('Would you praise Quokka?'));
  await stack.up();
  const fresh = await stack.ask('NEW-1', loyal('C-new'));
  expect(fresh.text).toContain('Would you praise Quokka?');
  expect(await (await fetch(old)).text()).toContain('Would you recommend Quokka?');
  await post(linkIn(fresh), { score: '10' });
  await post(old, { score: '9' });
  await stack.untilPhase('OLD-1', 'done');
  await stack.untilPhase('NEW-1', 'done');
  expect((await ratingsOf('loyalty')).map(({ version, count }) => [version, count])).toEqual([
    [1, 3],
    [2, 1],
  ]);
  const desk = await (await fetch(stack.url('/'))).text();
  expect(desk).toContain('loyalty, version 2');
  expect(desk).toMatch(/Net promoter score 0 \(/);
  const csv = await (await fetch(stack.url('/satisfaction.csv'))).text();
  expect(csv).toMatch(/"score","solved","ask-reasons","ask-better","ask-why","comment"/);
  expect(csv).toMatch(/"NEW-1".*"loyalty","2","nps","10"/);
  expect((await stack.closeout('stats')).stdout).toMatch(/net promoter score[^\n]* 0 \(/);
  const metrics = await (await fetch(stack.url('/metrics'))).text();
  expect(metrics).toContain('closeout_survey_answers{scale="nps",score="10"} 1');
});

test('erasing a customer removes what was written, not what was ticked', async () => {
  await stack.closeout('erase', 'C-1', '--yes');
  expect(await stack.dump()).not.toContain('unicorn words');
  const survey = await stack.client.surveys.ofCycle('NPS-1', 1);
  expect((await stack.client.surveys.answerOf(survey?.id ?? ''))?.followUps).toEqual({ better: ['price'] });
});
