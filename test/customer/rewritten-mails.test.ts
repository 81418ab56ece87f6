/** Mails whose Message-IDs a relay has replaced, and returned mails in unusual forms. */
import { readIncoming } from '../../src/customer/incoming-mail.js';
import { multipartMail, plainMail } from '../stack/incoming-mails.js';

const surveyId = '0b3k9v2m1q7r5t8a4c6d';
const laterId = '1b3k9v2m1q7r5t8a4c6d';
const messageIdOf = (id: string) => `<survey.${id}.1@closeout.example>`;
const read = (source: string) => readIncoming(Buffer.from(source));

test('a reply is known by the links of the mail that it quotes', async () => {
  const link = `https://care.example/s/${surveyId}.k1.${'x'.repeat(30)}?score=5`;
  const mail = await read(plainMail({ answers: '<0102@relay.example>', text: `Still dead.\n\n> ${link}` }));
  expect(mail).toMatchObject({ kind: 'reply', surveyIds: [surveyId] });
  expect(JSON.stringify(mail)).not.toContain('xxxxx');
});

test('a complaint is known by the sender that it names', async () => {
  const complaint = multipartMail({
    headers: ['From: abuse@provider.example', 'To: complaints@closeout.example'],
    type: 'report; report-type=feedback-report',
    parts: [
      'Content-Type: text/plain\n\nThis is an abuse report.',
      `Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Mail-From: <bounce+${surveyId}@closeout.example>`,
      'Content-Type: message/rfc822\nContent-Disposition: inline\n\nMessage-ID: <0102@relay.example>\n\nHello',
    ],
  });
  expect(await read(complaint)).toMatchObject({ kind: 'complaint', surveyIds: [surveyId] });
});

test('a mail that is returned inline is read; of its folded references, the last counts first', async () => {
  const references = `References: ${messageIdOf(surveyId)}\n ${messageIdOf(laterId)}`;
  const report = multipartMail({
    headers: ['From: mailer-daemon@relay.example', 'To: care@closeout.example'],
    type: 'report; report-type=delivery-status',
    parts: [
      'Content-Type: text/plain\n\nIt failed.',
      'Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ann@customers.example\nAction: failed\nStatus: 5.1.1',
      `Content-Type: message/rfc822\nContent-Disposition: inline\n\n${references}\n\nHello`,
    ],
  });
  expect(await read(report)).toMatchObject({ kind: 'deliveryReport', surveyIds: [laterId, surveyId] });
});

test("an answer to an operator's reply names that reply", async () => {
  const mail = await read(plainMail({ answers: '<reply.Ab-1_x@closeout.example>' }));
  expect(mail).toMatchObject({ surveyIds: [], repliesAnswered: ['Ab-1_x', 'Ab-1_x'] });
});
