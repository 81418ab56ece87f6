import { isBadAddress, isSenderFault, refusalStatus } from '../../src/policy/delivery.js';

test.each([
  ['a field', '', '5.1.1', '5.1.1'],
  ['a code in the words is preferred to a general field', 'smtp; 550 5.1.1 unknown', '5.0.0', '5.1.1'],
  ['a code in the words replaces a field that is none', 'smtp; 550 5.2.1 inactive', '550', '5.2.1'],
  ['a general field, with words that have no code', 'smtp; 550 no', '5.0.0', '5.0.0'],
  ['neither', '550 go away', '', undefined],
  ['an address of a host is no code', '550 5.1.1.20 refused', '', undefined],
  ['a code for the sender is preferred to one for the recipient', '554 5.7.1 denied', '5.1.1', '5.7.1'],
  ['SPF', '550 5.1.0 192.0.2.9 is not allowed to send from closeout.example', '5.1.0', '5.7.1'],
  ['DMARC', '550 5.1.1 fails the DMARC policy', '', '5.7.1'],
  ['a sender that is refused', '550 5.1.0 <care@closeout.example>: Sender rejected', '5.1.0', '5.7.1'],
  ['a limit of the sender', '550 5.1.0 you have reached your daily limit for recipients', '', '5.7.1'],
  [
    'Exchange: no such mailbox',
    'smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(201806281)',
    '5.4.1',
    '5.1.1',
  ],
  ['Outlook.com: no such mailbox', '550 5.5.0 Requested action not taken: mailbox unavailable', '5.5.0', '5.1.1'],
  ['a general code of Exchange', 'Remote server returned an error -> 550 5.1.1 unknown', '5.0.350', '5.1.1'],
  ['a list of blocked hosts', '550 5.0.0 listed by Spamhaus', '', '5.7.1'],
])('%s', (_, text, stated, status) => {
  expect(refusalStatus(text, stated)).toBe(status);
});

test.each([
  ['5.1.1', 'recipient'],
  ['5.1.10', 'recipient'],
  ['5.2.1', 'recipient'],
  ['5.1.7', 'sender'],
  ['5.1.8', 'sender'],
  ['5.7.1', 'sender'],
  ['5.7.26', 'sender'],
  ['5.1.20', 'sender'],
  ['5.1.90', 'sender'],
  ['5.7.12', 'neither'],
  ['5.7.133', 'neither'],
  ['5.7.136', 'neither'],
  ['5.7.504', 'neither'],
  ['5.2.2', 'neither'],
  ['4.7.1', 'neither'],
])('%s concerns the %s', (status, concerned) => {
  expect(isBadAddress(status)).toBe(concerned === 'recipient');
  expect(isSenderFault(status)).toBe(concerned === 'sender');
});
