import { readIncoming } from '../../src/customer/incoming-mail.js';
import { bounceMail, multipartMail, plainMail } from '../stack/incoming-mails.js';

const surveyId = '0b3k9v2m1q7r5t8a4c6d';
const survey = `<survey.${surveyId}.1@closeout.example>`;
const bounceAddress = `bounce+${surveyId}@closeout.example`;
const read = (source: string, recipient?: string) => readIncoming(Buffer.from(source), recipient);
const textOf = (source: string) => read(source).then((mail) => ('text' in mail ? mail.text : undefined));

describe('a person or a program', () => {
  test.each([
    ['Auto-Submitted: auto-replied', 'automatic'],
    ['Auto-Submitted: auto-generated (rejected)', 'automatic'],
    ['Auto-Submitted: no', 'reply'],
    ['X-Autoreply: yes', 'automatic'],
    ['X-Autoreply: no', 'reply'],
    ['X-Autoresponder: yes', 'automatic'],
    ['X-Mail-Autoreply: 1', 'automatic'],
    ['Precedence: auto_reply', 'automatic'],
    ['Precedence: bulk', 'automatic'],
    ['X-Mailer: Some Mail 1.0', 'reply'],
    // Relays and lists add these to a person's mail.
    ['X-Auto-Response-Suppress: All', 'reply'],
    ['List-Id: <all.customers.example>', 'reply'],
    ['Precedence: list', 'reply'],
    ['Precedence: bulk\r\nList-Id: <all.customers.example>', 'reply'],
    ['Return-Path: <>', 'reply'],
    ['Auto-Submitted: auto-forwarded', 'reply'],
  ])('a mail with "%s" is %s', async (header, kind) => {
    const mail = await read(plainMail({ answers: survey, headers: [header] }));
    expect(mail).toMatchObject({ kind, surveyIds: [surveyId] });
  });

  test('words that look like a field of a delivery report are none', async () => {
    const mail = plainMail({ headers: ['Auto-Submitted: auto-replied'], text: 'Action: none' });
    expect(await read(mail, bounceAddress)).toMatchObject({ kind: 'automatic' });
  });

  test.each([
    ['Automatic reply: x', 'automatic'],
    ['AUTO-REPLY: x', 'automatic'],
    ['[EXTERNAL] Out of Office: x', 'automatic'],
    ['Out of the office', 'automatic'],
    ['Abwesenheitsnotiz: x', 'automatic'],
    ['Réponse automatique : x', 'automatic'],
    ['Risposta automatica: x', 'automatic'],
    ['Odpowiedź automatyczna: x', 'automatic'],
    ['自动答复：x', 'automatic'],
    ['رد تلقائي: x', 'automatic'],
    ['Absence de tonalité', 'reply'],
    ['Out of office phones are still dead', 'reply'],
    ['Abwesend ist der Wählton', 'reply'],
    ['Re: Automatic reply', 'reply'],
  ])('a mail with the subject "%s" is %s', async (subject, kind) => {
    expect(await read(plainMail({ answers: survey, subject }))).toMatchObject({ kind });
  });

  test('a postmaster may be a person', async () => {
    const from = 'postmaster@customers.example';
    expect(await read(plainMail({ answers: survey, from }))).toMatchObject({ kind: 'reply' });
  });

  test('a receipt is automatic', async () => {
    const receipt = multipartMail({
      headers: [`In-Reply-To: ${survey}`, 'Subject: Read: Is your problem solved?'],
      type: 'report; report-type=disposition-notification',
      parts: ['Content-Type: message/disposition-notification\n\nDisposition: manual-action; displayed'],
    });
    expect(await read(receipt)).toMatchObject({ kind: 'automatic', surveyIds: [surveyId] });
  });
});

describe('a reply', () => {
  test('is known by what it answers, and its text is kept', async () => {
    const source = plainMail({ answers: survey, text: 'Still no dial tone.\n\n> How satisfied are you?' });
    expect(await read(source)).toMatchObject({
      kind: 'reply',
      surveyIds: [surveyId],
      messageId: '<1@customers.example>',
      from: 'ann@customers.example',
      text: expect.stringContaining('Still no dial tone.') as string,
    });
  });

  test('to something else belongs to no survey', async () => {
    expect(await read(plainMail({ answers: '<other@example.com>' }))).toMatchObject({ surveyIds: [], kind: 'reply' });
  });

  test('whose words are in the subject is kept', async () => {
    expect(await textOf(plainMail({ answers: survey, subject: 'Still dead', text: '' }))).toBe('Still dead');
  });

  test('of attachments only says so', async () => {
    const mail = plainMail({ answers: survey, text: 'AAAA' }).replace(
      'text/plain; charset=utf-8',
      'image/png; name="router.png"\r\nContent-Transfer-Encoding: base64',
    );
    expect(await textOf(mail)).toBe('Re: Is your problem solved?\n(No text. Attachments: router.png)');
  });

  test('that was cut off within its HTML is kept', async () => {
    const mail = plainMail({
      answers: survey,
      text: '--q\r\nContent-Type: text/html\r\n\r\n<p>Still <b>dead</b>.</p>',
    });
    const cutOff = mail.replace('text/plain; charset=utf-8', 'multipart/mixed; boundary="q"');
    expect(await textOf(cutOff)).toBe('Still dead.');
  });

  test('is stored whole if a character stands where it is cut, and without U+0000', async () => {
    const text = (await textOf(plainMail({ answers: survey, text: `\0${'x'.repeat(19_999)}🙂` }))) ?? '';
    expect(text).not.toContain('\0');
    expect(text).toBe(Buffer.from(text).toString());
  });

  test('with a date that cannot be read has the same id in every copy', async () => {
    const source = plainMail({ answers: survey, headers: ['Date: yesterday'] });
    const first = await read(source);
    jest.useFakeTimers({ now: Date.now() + 60_000, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const second = await read(source).finally(() => jest.useRealTimers());
    expect(second.id).toBe(first.id);
  });

  test.each([
    ['copies of one mail', {}, { headers: ['Received: from mx2 by mx1; Tue, 3 Mar 2026 10:00:01 +0000'] }, true],
    ['copies of one without a Message-ID', { id: null }, { id: null, headers: ['Received: from mx2 by mx1'] }, true],
    ['two mails with one Message-ID', {}, { text: 'And the fax is dead too.' }, false],
    ['two mails without a Message-ID', { id: null }, { id: null, text: 'And the fax is dead too.' }, false],
  ])('%s', async (_, first, second, isSame) => {
    const [a, b] = await Promise.all([first, second].map((given) => read(plainMail({ answers: survey, ...given }))));
    expect(a?.id === b?.id).toBe(isSame);
  });
});

describe('a delivery report', () => {
  test('has a block for each recipient', async () => {
    const mail = await read(bounceMail({ surveyId, action: 'failed', status: '5.1.1' }));
    expect(mail).toMatchObject({
      kind: 'deliveryReport',
      surveyIds: [surveyId],
      reports: [{ outcome: 'failed', status: '5.1.1', recipient: 'ann@customers.example' }],
    });
  });

  test.each([
    ['the address it came to', { to: bounceAddress, envelopeId: '', returned: '' }],
    ['the envelope id', { to: 'care@closeout.example', envelopeId: surveyId, returned: '' }],
    ['the mail that it returns', { to: 'care@closeout.example', envelopeId: '', returned: survey }],
    [
      'the references of the mail that it returns',
      {
        to: 'care@closeout.example',
        envelopeId: '',
        returned: `<1@relay.example>\r\nReferences: <2@relay.example> ${survey}`,
      },
    ],
  ])('is known by %s', async (_, given) => {
    const mail = await read(bounceMail({ surveyId, action: 'failed', status: '5.1.1', ...given }));
    expect(mail.surveyIds).toEqual([surveyId]);
  });

  test('is known by the envelope id if a relay changed the case of the address', async () => {
    const mail = await read(
      bounceMail({ surveyId, action: 'failed', status: '5.1.1', to: 'care@closeout.example' }),
      bounceAddress.toLowerCase(),
    );
    expect(mail.surveyIds).toContain(surveyId);
  });

  test('is known by a returned mail in base64', async () => {
    const returned = Buffer.from(`Message-ID: ${survey}\n\n`).toString('base64');
    const mail = multipartMail({
      headers: ['From: MAILER-DAEMON@relay.example', 'To: care@closeout.example'],
      type: 'report; report-type=delivery-status',
      parts: [
        'Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1',
        `Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n${returned}`,
      ],
    });
    expect(await read(mail)).toMatchObject({ kind: 'deliveryReport', surveyIds: [surveyId] });
  });

  test('is known by the envelope recipient that the mail server tells', async () => {
    const source = bounceMail({
      surveyId,
      action: 'failed',
      status: '5.1.1',
      to: 'x@y.example',
      envelopeId: '',
      returned: '',
    });
    expect((await read(source)).surveyIds).toEqual([]);
    expect((await read(source, bounceAddress)).surveyIds).toEqual([surveyId]);
  });

  const text = 'ann@customers.example: 550 5.1.1 unknown';
  test.each([
    ['from a mailer daemon', { from: 'MAILER-DAEMON@relay.example', subject: 'failure notice' }],
    ['from a postmaster', { from: 'postmaster@relay.example', to: bounceAddress, subject: 'Sorry' }],
    ['with the header of Exim and Gmail', { headers: ['X-Failed-Recipients: ann@customers.example'] }],
    [
      'from anybody, to the bounce address',
      { from: 'no-reply@relay.example', to: bounceAddress, subject: 'Undeliverable' },
    ],
  ])('in words, %s', async (_, given) => {
    expect(await read(plainMail({ text, ...given }))).toMatchObject({
      kind: 'deliveryReport',
      reports: [{ outcome: 'failed', status: '5.1.1', recipient: 'ann@customers.example' }],
    });
  });

  test('with its fields in plain text is one', async () => {
    const fields = 'Final-Recipient: rfc822; ann@customers.example\r\nAction: failed\r\nStatus: 5.1.1';
    const mail = await read(plainMail({ from: 'relay.example', to: bounceAddress, subject: 'Sorry', text: fields }));
    expect(mail).toMatchObject({ kind: 'deliveryReport', reports: [{ status: '5.1.1' }] });
  });

  test('that only returns our mail is one', async () => {
    const mail = multipartMail({
      headers: ['From: no-reply@relay.example', `To: ${bounceAddress}`, 'Subject: 通知'],
      type: 'mixed',
      parts: [
        'Content-Type: text/plain\n\nann@customers.example: full',
        `Content-Type: message/rfc822\n\nMessage-ID: ${survey}\n\nx`,
      ],
    });
    expect(await read(mail)).toMatchObject({ kind: 'deliveryReport', surveyIds: [surveyId] });
  });

  test('that a person quotes or attaches is a reply', async () => {
    const quoted = plainMail({ answers: survey, text: 'Final-Recipient: rfc822; x@y.example\nAction: failed' });
    expect(await read(quoted)).toMatchObject({ kind: 'reply' });
    const attached = multipartMail({
      headers: ['From: ann@customers.example', 'To: care@closeout.example', `In-Reply-To: ${survey}`],
      type: 'mixed',
      parts: [
        'Content-Type: text/plain\n\nMy mails come back.',
        'Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1',
      ],
    });
    expect(await read(attached)).toMatchObject({ kind: 'reply', text: 'My mails come back.' });
  });

  test('to the bounce address from a program that answers for an absent person is automatic', async () => {
    const headers = ['Auto-Submitted: auto-replied', 'Return-Path: <>'];
    const mail = plainMail({ to: bounceAddress, headers, subject: 'Back on Monday', text: 'I am away.' });
    expect(await read(mail)).toMatchObject({ kind: 'automatic' });
  });
});

describe('somebody who wants no more mail', () => {
  const returned = `Content-Type: message/rfc822\n\nMessage-ID: ${survey}\n\nx`;
  const feedback = (type: string) =>
    multipartMail({
      headers: ['From: fbl@provider.example', `To: ${bounceAddress}`, 'Subject: FW: Is your problem solved?'],
      type: 'report; report-type=feedback-report',
      parts: [`Content-Type: message/feedback-report\n\nFeedback-Type: ${type}\nVersion: 1`, returned],
    });

  test('complains to the mail provider', async () => {
    expect(await read(feedback('abuse'))).toMatchObject({ kind: 'complaint', surveyIds: [surveyId] });
    expect(await read(feedback('not-spam'))).toMatchObject({ kind: 'automatic' });
  });

  test('complains to a provider that sends only the mail', async () => {
    const mail = multipartMail({
      headers: [
        'From: staff@provider.example',
        `To: ${bounceAddress}`,
        'Subject: complaint about message from 192.0.2.1',
      ],
      type: 'mixed',
      parts: [returned],
    });
    expect(await read(mail)).toMatchObject({ kind: 'complaint', surveyIds: [surveyId] });
  });

  test('presses the button of the mail program', async () => {
    const button = plainMail({
      answers: survey,
      subject: 'unsubscribe',
      text: '',
      headers: ['Auto-Submitted: auto-replied'],
    });
    expect(await read(button)).toMatchObject({ kind: 'unsubscription', surveyIds: [surveyId] });
  });

  test('but a person who writes about unsubscribing, or complains about us, is heard', async () => {
    const asks = plainMail({ answers: survey, subject: 'unsubscribe', text: 'Not before my line works!' });
    expect(await read(asks)).toMatchObject({ kind: 'reply' });
    const complains = multipartMail({
      headers: ['From: ann@customers.example', 'To: care@closeout.example', 'Subject: Complaint'],
      type: 'mixed',
      parts: ['Content-Type: text/plain\n\nStill dead.', returned],
    });
    expect(await read(complains)).toMatchObject({ kind: 'reply', surveyIds: [surveyId], text: 'Still dead.' });
  });
});
