import { reportAbout, reportsInFields, reportsInText } from '../../src/customer/delivery-report.js';

const ours = 'ann@customers.example';
const isOurs = (address: string) => address.toLowerCase() === ours;
const about = (blocks: string[]) =>
  reportAbout(reportsInFields(['Reporting-MTA: dns; r', ...blocks].join('\n\n')), isOurs);
const block = (recipient: string, action: string, status: string, more = '') =>
  `Final-Recipient: rfc822; ${recipient}\nAction: ${action}\nStatus: ${status}${more}`;

test.each([
  ['failed', '5.1.1', 'failed'],
  ['delayed', '4.4.7', 'delayed'],
  ['relayed', '2.0.0', 'delivered'],
  ['expired', '', 'failed'],
  ['', '5.1.1', 'failed'],
  ['', '4.2.2', 'delayed'],
  ['', '2.0.0', 'delivered'],
  ['invented', '', 'failed'],
])('action "%s" with status "%s" means %s', (action, status, outcome) => {
  expect(about([block(ours, action, status)])).toMatchObject({
    report: { outcome, status: status || '5.0.0' },
    isForwarded: false,
  });
});

test.each([
  ['first', [block(ours, 'failed', '5.2.2'), block('bob@x.example', 'failed', '5.1.1')]],
  ['last', [block('bob@x.example', 'failed', '5.1.1'), block('Ann@Customers.example', 'failed', '5.2.2')]],
])('the block about our recipient decides, even if it comes %s', (_, blocks) => {
  expect(about(blocks)).toMatchObject({ report: { status: '5.2.2' }, isForwarded: false });
});

test('a diagnostic code on several lines counts', () => {
  const folded = '\nDiagnostic-Code: smtp; 550\n  5.1.1 no such user';
  expect(about([block(ours, 'failed', '5.0.0', folded)])).toMatchObject({ report: { status: '5.1.1' } });
});

test('a failure behind a forward says nothing about the address that forwards', () => {
  const forwarded = `Original-Recipient: rfc822; ${ours}\n${block('bob@x.example', 'failed', '5.1.1')}`;
  const other = block('carl@x.example', 'delivered', '2.0.0');
  expect(about([other, forwarded])).toMatchObject({ report: { status: '5.1.1' }, isForwarded: true });
  expect(about([other, block('bob@x.example', 'failed', '5.1.1')])).toMatchObject({
    report: { outcome: 'failed' },
    isForwarded: true,
  });
});

test('a report without recipients is about ours', () => {
  expect(about(['Action: failed\nStatus: 5.1.1'])).toMatchObject({ isForwarded: false, report: { status: '5.1.1' } });
  expect(about([])).toBeUndefined();
});

const exim = `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.
The following address(es) failed:

  ${ours}
    host mx.customers.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<${ours}>:
    550 5.1.1 <${ours}>: Recipient address rejected

------ This is a copy of the message, including all the headers. ------

Subject: 5.2.2 of the handbook`;

const gmail = `Delivery to the following recipient failed permanently:

     ${ours}

Technical details of permanent failure:
Google tried to deliver your message, but it was rejected by the server for the recipient domain customers.example.

The error that the other server returned was:
550 5.2.1 The account is disabled

----- Original message -----
Subject: 5.1.1`;

const yahoo = `Sorry, we were unable to deliver your message to the following address.

<${ours}>:
554: delivery error: dd This user doesn't have a customers.example account (${ours}) [-5.7.0] - mta1

--- Below this line is a copy of the message.

Status: 5.1.1`;

const qmail = `Hi. This is the qmail-send program at relay.example.

<bob@x.example>:
Remote host said: 550 5.1.1 unknown

<${ours}>:
192.0.2.1 does not like recipient.
Remote host said: 452 4.2.2 full
I'm not going to try again; this message has been in the queue too long.`;

const domino = `Your message

  Subject: Is your problem solved?

was not delivered to:

  ${ours}

because:

  User ann (${ours}) not listed in Domino Directory`;

const late = `Your message to the following recipient has been delayed, and will be retried for 2 more days:

  ${ours}: 451 4.4.1 no answer`;

test.each([
  ['Exim', exim, 'failed', '5.1.1'],
  ['Gmail', gmail, 'failed', '5.2.1'],
  ['Yahoo', yahoo, 'failed', '5.7.0'],
  ['qmail, with two recipients', qmail, 'failed', '4.2.2'],
  ['Domino', domino, 'failed', '5.0.0'],
  ['a warning', late, 'delayed', '4.4.1'],
])('the words of %s', (_, text, outcome, status) => {
  expect(reportAbout(reportsInText(text, 'Mail', ''), isOurs)).toMatchObject({
    report: { outcome, status },
    isForwarded: false,
  });
});

test.each([
  [
    'sendmail',
    reportsInFields(
      `Final-Recipient: RFC822; ${ours}\nX-Actual-Recipient: RFC822; bob@else.example\nAction: failed\nStatus: 5.1.1`,
    ),
  ],
  ['Exim', reportsInText(`  bob@else.example\n    (generated from ${ours})\n    550 5.1.1 unknown`, 'Mail', '')],
  [
    'Exim, with its header',
    reportsInText(
      `  bob@else.example\n    (generated from ${ours})\n    550 5.1.1 unknown`,
      'Mail',
      'bob@else.example',
    ),
  ],
])('what %s says about the address to which ours forwards says nothing about ours', (_, reports) => {
  expect(reportAbout(reports, isOurs)).toMatchObject({ report: { status: '5.1.1' }, isForwarded: true });
});

test('a header that names the recipient counts where the words do not', () => {
  const reports = reportsInText('550 5.1.1 unknown', 'Mail delivery failed', ours);
  expect(reportAbout(reports, isOurs)).toMatchObject({ report: { status: '5.1.1' }, isForwarded: false });
});

test.each([
  ['one long word', 'a'.repeat(1_000_000)],
  ['empty lines', '\n'.repeat(1_000_000)],
  ['dashes', '-'.repeat(1_000_000)],
  ['addresses', 'a@b.example '.repeat(80_000)],
  ['paragraphs', 'a@b.example\n\n'.repeat(80_000)],
])('a bounce that is nothing but %s is read in a moment', (_, text) => {
  expect(reportsInText(text, 'Mail delivery failed', 'a@b.example')).toMatchObject([{ recipient: 'a@b.example' }]);
  expect(reportsInText(text, 'Mail delivery failed', '').length).toBeLessThanOrEqual(50);
});

test.each(["rfc822;o'brien@customers.example", "rfc822; <o'brien@customers.example>"])(
  'an apostrophe is part of the address in %s',
  (field) => {
    const [report] = reportsInFields(`Final-Recipient: ${field}\nAction: failed\nStatus: 5.1.1`);
    expect(report).toMatchObject({ recipient: "o'brien@customers.example" });
    const words = "<o'brien@customers.example>: 550 5.1.1 unknown, also 'ann@customers.example'";
    const named = reportsInText(words, 'Undeliverable', '').map(({ recipient }) => recipient);
    expect(named).toEqual(["o'brien@customers.example", 'ann@customers.example']);
  },
);

test('a warning that the server will give up some day is no failure', () => {
  const words = `A message that you sent has not yet been delivered: ${ours}, delayed 24 hours.
No action is required. Eventually the mail delivery software will give up, and the message will be returned to you.`;
  expect(reportsInText(words, 'Warning: message 1x delayed 24 hours', '')).toMatchObject([{ outcome: 'delayed' }]);
  expect(reportsInText('It was delayed. I have given up on ann@customers.example.', '', '')).toMatchObject([
    { outcome: 'failed' },
  ]);
});
