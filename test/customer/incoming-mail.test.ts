import { readIncoming } from '../../src/customer/incoming-mail.js';
import { bounceMail, plainMail } from '../stack/incoming-mails.js';

const surveyId = 'kJ2v9_x-Q4mZ8LpW';
const survey = `<survey.${surveyId}.1@closeout.example>`;
const read = (source: string, recipient?: string) => readIncoming(Buffer.from(source), recipient);

test.each([
  ['Auto-Submitted: auto-replied', 'automatic'],
  ['Auto-Submitted: auto-generated (rejected)', 'automatic'],
  ['Auto-Submitted: no', 'reply'],
  ['X-Auto-Response-Suppress: All', 'automatic'],
  ['X-Autoreply: yes', 'automatic'],
  ['Precedence: bulk', 'automatic'],
  ['Precedence: auto_reply', 'automatic'],
  ['List-Id: <all.customers.example>', 'automatic'],
  ['Return-Path: <>', 'automatic'],
  ['X-Mailer: Some Mail 1.0', 'reply'],
])('a mail with "%s" is %s', async (header, kind) => {
  const mail = await read(plainMail({ answers: survey, headers: [header] }));
  expect(mail).toMatchObject({ kind, surveyId });
});

test.each(['Automatic reply: x', 'Out of Office: x', 'Abwesenheitsnotiz: x', 'Réponse automatique : x'])(
  'a mail with the subject "%s" is automatic',
  async (subject) => {
    expect(await read(plainMail({ answers: survey, subject }))).toMatchObject({ kind: 'automatic' });
  },
);

test('a reply is known by what it answers, its text kept, and the same mail has the same id', async () => {
  const source = plainMail({ answers: survey, text: 'Still no dial tone.\n\n> How satisfied are you?' });
  const mail = await read(source);
  expect(mail).toMatchObject({ kind: 'reply', surveyId, messageId: '<1@customers.example>' });
  expect(mail.kind === 'reply' && mail.text).toContain('Still no dial tone.');
  expect((await read(source)).id).toBe(mail.id);
});

test('a mail about something else belongs to no survey', async () => {
  expect(await read(plainMail({ answers: '<other@example.com>' }))).toMatchObject({
    surveyId: undefined,
    kind: 'reply',
  });
});

test.each([
  ['failed', '5.1.1', 'bounce'],
  ['failed', '4.4.7', 'bounce'],
  ['delayed', '4.2.2', 'delay'],
  ['relayed', '2.0.0', 'automatic'],
])('a delivery report %s %s is a %s', async (action, status, kind) => {
  const mail = await read(bounceMail({ surveyId, action, status }));
  expect(mail).toMatchObject({ kind, surveyId, ...(kind === 'automatic' ? {} : { status }) });
});

test.each([
  ['the address it came to', { to: `bounce+${surveyId}@closeout.example`, envelopeId: '', returned: '' }],
  ['the envelope id', { to: 'care@closeout.example', envelopeId: surveyId, returned: '' }],
  ['the mail that it returns', { to: 'care@closeout.example', envelopeId: '', returned: survey }],
])('a bounce is known by %s', async (_, given) => {
  expect(await read(bounceMail({ surveyId, action: 'failed', status: '5.1.1', ...given }))).toMatchObject({ surveyId });
});

test('a bounce is known by the envelope recipient that the mail server tells', async () => {
  const source = bounceMail({
    surveyId,
    action: 'failed',
    status: '5.1.1',
    to: 'x@y.example',
    envelopeId: '',
    returned: '',
  });
  expect(await read(source)).toMatchObject({ surveyId: undefined });
  expect(await read(source, `bounce+${surveyId}@closeout.example`)).toMatchObject({ surveyId });
});
