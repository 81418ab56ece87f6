import { generateKeyPairSync } from 'node:crypto';
import { mailVerdict, toFailure } from '../../src/activities/to-failure.js';
import { openMailer } from '../../src/outside/mail/mailer.js';
import { linkKeysFrom } from '../../src/setup/link-keys.js';
import { builtInBrand } from '../../src/customer/brand.js';
import { surveyMail } from '../../src/customer/mail.js';
import { ScriptedSmtpServer, type Fault } from '../stack/scripted-smtp-server.js';
import { makeCertificates, relayBehindTls } from '../stack/tls.js';

const address = 'ann@customers.example';
const sender = {
  publicUrl: 'http://127.0.0.1:8080',
  from: 'Care <care@closeout.example>',
  replyTo: 'care@closeout.example',
};
const mail = surveyMail(
  {
    kind: 'survey',
    surveyId: 'abcdefghijklmnop',
    report: { id: 'R-1', description: 'No dial tone', clearedAt: '2026-01-02T03:04:05.000Z' },
    contact: { emailAddress: address, name: 'Ann' },
    earlier: [],
    date: new Date('2026-01-02T03:04:05.000Z'),
    expiresAt: new Date('2026-01-16T03:04:05.000Z'),
  },
  {
    ...sender,
    bounceTo: 'bounce@closeout.example',
    linkKeys: linkKeysFrom(`k1:${Buffer.alloc(32).toString('base64')}`),
  },
  builtInBrand(sender),
);

/** What a real conversation with a relay that has this fault comes to. */
async function errorOf(fault: Fault | 'nobody listens'): Promise<unknown> {
  const sink = new ScriptedSmtpServer(() => (fault === 'nobody listens' ? {} : fault));
  const port = await sink.listen();
  if (fault === 'nobody listens') await sink.close();
  const mailer = openMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, smtpUtf8: false, dkim: undefined }, 5);
  try {
    await mailer.send(mail);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    mailer.close();
    await sink.close();
  }
}

test.each<[string, Fault | 'nobody listens', string]>([
  ['nobody listens', 'nobody listens', 'MailUnavailable'],
  ['greeting 421', { greeting: '421 4.3.2 later' }, 'MailMisconfigured'],
  ['greeting 554', { greeting: '554 5.7.1 not you' }, 'MailMisconfigured'],
  ['MAIL FROM 451', { mailFrom: '451 4.3.0 later' }, 'MailUnavailable'],
  ['MAIL FROM 550', { mailFrom: '550 5.7.1 sender refused' }, 'MailMisconfigured'],
  ['RCPT 450', { rcptTo: '450 4.2.0 greylisted' }, 'MailUnavailable'],
  ['RCPT 550 5.1.1', { rcptTo: `550 5.1.1 <${address}> unknown` }, 'RecipientRefused'],
  ['RCPT 550 5.2.1', { rcptTo: '550 5.2.1 disabled' }, 'RecipientRefused'],
  ['RCPT 552 5.2.2, mailbox full', { rcptTo: '552 5.2.2 full' }, 'MailUnavailable'],
  ['RCPT 550 5.7.1, policy', { rcptTo: '550 5.7.1 policy' }, 'MailMisconfigured'],
  ['RCPT 554 5.7.1, no log-in', { rcptTo: '554 5.7.1 Relay access denied' }, 'MailMisconfigured'],
  ['RCPT 550 5.1.0, SPF', { rcptTo: '550 5.1.0 closeout.example is not allowed to send: SPF' }, 'MailMisconfigured'],
  ['RCPT 550 without a status', { rcptTo: '550 no' }, 'MailRefused'],
  ['451 after the dot', { afterDot: '451 4.3.0 later' }, 'MailUnavailable'],
  ['554 after the dot', { afterDot: '554 5.6.0 content' }, 'MailRefused'],
  ['the line dropped after the dot', { afterDot: 'drop' }, 'MailUnavailable'],
])('%s', async (_, fault, code) => {
  const error = await errorOf(fault);
  expect(mailVerdict(error)).toMatchObject({ code });
  const failure = toFailure(error);
  expect(failure.type).toBe(code);
  expect(failure.nonRetryable).toBe(code !== 'MailUnavailable');
  expect(JSON.stringify(failure) + failure.message).not.toContain(address); // it goes into the history
});

test('a relay with an untrusted certificate: the failure names the reason', async () => {
  const sink = new ScriptedSmtpServer();
  const front = await relayBehindTls(await sink.listen(), await makeCertificates());
  const mailer = openMailer({ smtpUrl: `smtps://127.0.0.1:${front.port}`, smtpUtf8: false, dkim: undefined }, 5);
  const error: unknown = await mailer.send(mail).catch((reason: unknown) => reason);
  mailer.close();
  await front.close();
  await sink.close();
  expect(mailVerdict(error)).toEqual({
    code: 'MailUnavailable',
    reason: 'CONN failed with ESOCKET: unable to verify the first certificate',
  });
});

test('a mail that is tried again is the same mail, byte for byte', async () => {
  const sink = new ScriptedSmtpServer((_, attempt) => (attempt < 3 ? { afterDot: 'drop' } : {}));
  const mailer = openMailer(
    { smtpUrl: `smtp://127.0.0.1:${await sink.listen()}`, smtpUtf8: false, dkim: undefined },
    5,
  );
  for (const outcome of [expect.anything(), expect.anything(), undefined]) {
    const error: unknown = await mailer.send(mail).catch((reason: unknown) => reason);
    expect(error).toEqual(outcome);
  }
  const [first, second, third] = sink.to(address);
  expect(first).toContain('Message-ID: <survey.abcdefghijklmnop.1@closeout.example>');
  expect(second).toBe(first);
  expect(third).toBe(first);
  mailer.close();
  await sink.close();
});

test('the relay is given the bounce address, and the signature covers both headers for unsubscribing', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const sink = new ScriptedSmtpServer();
  const dkim = { domainName: 'closeout.example', keySelector: 'k1', privateKey };
  const mailer = openMailer({ smtpUrl: `smtp://127.0.0.1:${await sink.listen()}`, smtpUtf8: false, dkim }, 5);
  await mailer.send(mail);
  await mailer.send(mail);
  mailer.close();
  await sink.close();
  const [first = '', second] = sink.to(address);
  expect(second).toBe(first);
  const signed = /^DKIM-Signature:[\s\S]*?\bh=([^;]+);/m.exec(first)?.[1]?.replace(/\s+/g, '').toLowerCase().split(':');
  expect(signed).toEqual(
    expect.arrayContaining(['list-unsubscribe', 'list-unsubscribe-post', 'auto-submitted', 'from']),
  );
  expect(sink.commands).toContainEqual(
    'MAIL FROM:<bounce+abcdefghijklmnop@closeout.example> RET=HDRS ENVID=abcdefghijklmnop',
  );
  expect(sink.commands).toContainEqual(expect.stringContaining('NOTIFY=FAILURE,DELAY'));
});
