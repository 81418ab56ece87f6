/** Every row of what nodemailer was seen to report (shared measurements): what it means for the mail and its address. */
import { CloseoutError } from '../../src/contract/errors.js';
import { mailVerdict, toFailure } from '../../src/activities/to-failure.js';
import { RelayDown } from '../../src/outside/mail/relay-breaker.js';

const smtp = (code: string, command: string, responseCode?: number, enhanced = '') =>
  Object.assign(new Error('the relay says <ann@customers.example> something'), {
    code,
    command,
    responseCode,
    response: responseCode && `${responseCode} ${enhanced} <ann@customers.example>`,
    permanent: responseCode !== undefined && responseCode >= 500,
  });

test.each([
  ['refused connection', smtp('ESOCKET', 'CONN'), 'MailUnavailable'],
  ['unknown host', smtp('EDNS', 'CONN'), 'MailUnavailable'],
  ['no greeting', smtp('ETIMEDOUT', 'CONN'), 'MailUnavailable'],
  ['greeting 421', smtp('EPROTOCOL', 'CONN', 421), 'MailMisconfigured'],
  ['greeting 554', smtp('EPROTOCOL', 'CONN', 554), 'MailMisconfigured'],
  ['AUTH 454', smtp('EAUTH', 'AUTH PLAIN', 454), 'MailMisconfigured'],
  ['AUTH 535', smtp('EAUTH', 'AUTH PLAIN', 535), 'MailMisconfigured'],
  ['MAIL FROM 451', smtp('EENVELOPE', 'MAIL FROM', 451), 'MailUnavailable'],
  ['MAIL FROM 550', smtp('EENVELOPE', 'MAIL FROM', 550, '5.7.1'), 'MailMisconfigured'],
  ['RCPT 450', smtp('EENVELOPE', 'RCPT TO', 450, '4.2.0'), 'MailUnavailable'],
  ['RCPT 550 5.1.1', smtp('EENVELOPE', 'RCPT TO', 550, '5.1.1'), 'RecipientRefused'],
  ['RCPT 550 5.2.1', smtp('EENVELOPE', 'RCPT TO', 550, '5.2.1'), 'RecipientRefused'],
  ['RCPT 552 5.2.2', smtp('EENVELOPE', 'RCPT TO', 552, '5.2.2'), 'MailUnavailable'],
  ['RCPT 550 5.7.1', smtp('EENVELOPE', 'RCPT TO', 550, '5.7.1'), 'MailMisconfigured'],
  ['RCPT 553 5.6.7, no letters outside ASCII', smtp('EENVELOPE', 'RCPT TO', 553, '5.6.7'), 'EAIUnsupported'],
  ['RCPT 550 5.1.8, our sender', smtp('EENVELOPE', 'RCPT TO', 550, '5.1.8'), 'MailMisconfigured'],
  ['after the dot 550 5.7.26, DMARC', smtp('EMESSAGE', 'DATA', 550, '5.7.26'), 'MailMisconfigured'],
  ['after the dot 550 5.1.1', smtp('EMESSAGE', 'DATA', 550, '5.1.1'), 'RecipientRefused'],
  ['RCPT 550 without a status', smtp('EENVELOPE', 'RCPT TO', 550), 'MailRefused'],
  ['after the dot 451', smtp('EMESSAGE', 'DATA', 451, '4.3.0'), 'MailUnavailable'],
  ['after the dot 554', smtp('EMESSAGE', 'DATA', 554, '5.6.0'), 'MailRefused'],
  ['accepted, then a closed line', smtp('ECONNECTION', 'CONN'), 'MailUnavailable'],
  ['broken off by us', Object.assign(new Error('aborted'), { code: 'EABORT' }), 'MailUnavailable'],
])('%s: %#', (_, error, code) => {
  expect(mailVerdict(error)).toMatchObject({ code });
});

test.each(['MailUnavailable', 'DatabaseUnavailable', 'Unexpected'] as const)('%s is retried', (code) => {
  expect(toFailure(new CloseoutError(code, 'words'))).toMatchObject({ type: code, nonRetryable: false });
});

test.each(['RecipientRefused', 'MailRefused', 'MailMisconfigured', 'ClosureRefused', 'ReportNotFound'] as const)(
  '%s is not retried',
  (code) => {
    expect(toFailure(new CloseoutError(code, 'words'))).toMatchObject({ type: code, nonRetryable: true });
  },
);

test('a relay that is not asked any more: why it could not be reached the last time', () => {
  const certificate = Object.assign(new Error('certificate has expired'), { code: 'ESOCKET', command: 'CONN' });
  expect(toFailure(new RelayDown(60_000, certificate))).toMatchObject({
    type: 'MailUnavailable',
    message: 'The mail relay does not answer. The last attempt: CONN failed with ESOCKET: certificate has expired',
    nonRetryable: false,
    nextRetryDelay: 60_000,
  });
});

test('what a relay or a database said is not quoted: it may name a customer', () => {
  const errors = [
    smtp('EENVELOPE', 'RCPT TO', 550, '5.1.1'),
    Object.assign(new Error('Key (ann@customers.example)'), { code: '23505' }),
  ];
  for (const error of errors) expect(JSON.stringify(toFailure(error))).not.toContain('ann@');
  expect(toFailure(errors[1]).message).toBe("Error 23505; see the worker's log");
});
