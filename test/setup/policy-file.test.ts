import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainPolicy, policyWarnings } from '../../src/setup/policy-explanation.js';
import { loadPolicy } from '../../src/setup/policy-file.js';
import { defaultConfirmation, defaultPolicy } from '../../src/policy/settings.js';

const fault = { ticketType: 'fault', severity: 'minor' };
const day = 86_400_000;

function file(yaml: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'closeout-policy-')), 'policy.yaml');
  writeFileSync(path, yaml);
  return path;
}

test('without a file everything is at its default', () => expect(loadPolicy(undefined)(fault)).toBe(defaultPolicy));

test('the values in docs/policy.md are the defaults', () => {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(readFileSync('docs/policy.md', 'utf8')) ?? [];
  expect(loadPolicy(file(yaml))(fault)).toEqual(defaultPolicy);
});

test('an empty file changes nothing', () => expect(loadPolicy(file(''))(fault)).toEqual(defaultPolicy));

test('the first rule that fits is laid over the default, and no other', () => {
  const policyFor = loadPolicy(
    file(`
default: { holdDown: 5m, survey: { expiresAfter: 10d } }
rules:
  - when: { ticketType: fault, severity: critical }
    survey: { enabled: false }
  - when: { ticketType: fault }
    survey: { delay: 2h, reminderAfter: null, contactCap: null, sample: 12.5 }
  - when: { ticketType: fault }
    holdDown: 1d
`),
  );
  const { survey } = defaultPolicy;
  expect(policyFor({ ...fault, severity: 'critical' }).survey).toEqual({
    ...survey,
    enabled: false,
    expiresAfter: 10 * day,
  });
  expect(policyFor(fault)).toMatchObject({
    holdDown: 300_000,
    survey: { delay: 7_200_000, reminderAfter: null, contactCap: null, sample: 12.5, expiresAfter: 10 * day },
  });
  expect(policyFor({ ticketType: 'change', severity: 'minor' })).toMatchObject({
    holdDown: 300_000,
    survey: { delay: 0 },
  });
});

test('a confirmation is laid over its own defaults, and can be taken back for some', () => {
  const policyFor = loadPolicy(
    file(`
default: { confirmation: { window: 4h, businessHours: { from: "08:00" } } }
rules:
  - when: { severity: critical }
    confirmation: { onSilence: hold }
  - when: { ticketType: change }
    confirmation: null
`),
  );
  const asked = { window: 4 * 3_600_000, warnBefore: 8 * 3_600_000, onSilence: 'close' };
  const businessHours = { ...defaultConfirmation.businessHours, from: '08:00' };
  expect(policyFor(fault).confirmation).toEqual({ ...asked, businessHours });
  expect(policyFor({ ...fault, severity: 'critical' }).confirmation).toMatchObject({ ...asked, onSilence: 'hold' });
  expect(policyFor({ ...fault, ticketType: 'change' }).confirmation).toBeNull();
});

test.each([
  ['default: { holdDown: 5 }', 'default.holdDown'],
  ['default: { holdDown: 5 minutes }', 'default.holdDown must be a number with ms, s, m, h or d'],
  ['default: { holdOff: 5m }', 'holdOff'],
  ['default: { survey: { sample: 101 } }', 'default.survey.sample must be at most 100'],
  ['default: { survey: { perCycle: never } }', 'default.survey.perCycle must be one of once, each, replace'],
  ['rules: [{ holdDown: 5m }]', 'rule 1: when is missing'],
  [
    'rules: [{ when: { colour: red } }]',
    'rule 1: when.colour is not an attribute; valid ones are ticketType, severity',
  ],
  ['rules: [{ when: { severity: [] } }]', 'rule 1: when.severity must be a value, or a list of values'],
  ['rules: [{ when: { severity: { a: b } } }]', 'rule 1: when.severity must be a value, or a list of values'],
  ['rules: 5', 'rules must be a list'],
  ['default: { survey: { enabled: maybe } }', 'default.survey.enabled must be true or false'],
  ['default: { holdOff: 5m }', 'default.holdOff is not a setting'],
  ['default: { holdDown: 99999999999d }', 'at most 3650d'],
  ['default: { survey: { expiresAfter: 0s } }', 'default.survey.expiresAfter must be more than 0'],
  ['rules: [{ when: {} }]', 'rule 1: when must name at least one'],
  ['default: { confirmation: { onSilence: ask } }', 'default.confirmation.onSilence'],
  ['default: { confirmation: { businessHours: { days: [] } } }', 'must name at least one day'],
  ['default: { confirmation: { businessHours: { from: "17:00", to: "09:00" } } }', 'must begin before they end'],
  ['default: { confirmation: { businessHours: { holidays: [christmas] } } }', 'must be a date such as 2026-12-25'],
  [
    'default: { confirmation: { businessHours: { from: "22:00", to: "06:00" } } }',
    'default.confirmation.businessHours must begin before they end, on the same day',
  ],
  ['default: { confirmation: { businessHours: { to: "24:30" } } }', 'at most "24:00"'],
  [
    'default: { confirmation: { window: 3650d, businessHours: { days: [tue], from: "09:00", to: "09:01" } } }',
    'default.confirmation.window must fit into the business hours of 3650 days',
  ],
  [
    'rules: [{ when: { severity: minor }, confirmation: { window: 900d } }]',
    'rule 1: confirmation.window must fit into the business hours of 3650 days',
  ],
  ['default: [', 'CLOSEOUT_POLICY'],
  ['default: { survey: { question: nsp } }', 'default.survey.question nsp does not exist; there are satisfaction, nps'],
  ['questions: { a: { scale: stars } }', 'questions.a.scale must be one of satisfaction, nps, thumbs, effort'],
  ['questions: { a: { scale: nps, text: Why? } }', 'questions.a.text must be text for each language'],
  ['questions: { a: { scale: nps, text: { xx: Why? } } }', 'is not a language that Closeout has texts in'],
  [
    'questions: { a: { scale: nps, followUps: [{ id: b, text: { en: b }, atMost: 11 }] } }',
    'questions.a.followUps.0 matches no score; the scale nps is 0 to 10',
  ],
  [
    'questions: { a: { scale: nps, text: { en: a, de: a }, followUps: [{ id: b, text: { en: b } }] } }',
    'questions.a.followUps.0.text must have the same languages as the other texts, en, de',
  ],
  [
    'questions: { a: { scale: nps, followUps: [{ id: b, text: { en: b } }, { id: b, text: { en: c } }] } }',
    'questions.a.followUps.1 has the id b of another follow-up question',
  ],
  ['questions: { a: { scale: nps, followUps: [reasons, reasons, reasons, reasons] } }', 'must be at most 3'],
  ['default: { alert: { scoreAtMost: 6 } }', 'default.alert.scoreAtMost must be 1 to 5, or never'],
  [
    'rules: [{ when: { severity: minor }, survey: { question: thumbs }, alert: { scoreAtMost: 2 } }]',
    'rule 1: alert.scoreAtMost must be 0 to 1, or never: the question thumbs has the scale thumbs',
  ],
])('%s is refused, and the message names %s', (yaml, named) => {
  expect(() => loadPolicy(file(yaml))).toThrow(named);
});

test('a score to alert at does not apply to a question with another scale', () => {
  const policyFor = loadPolicy(
    file(`
default: { alert: { scoreAtMost: 3 } }
rules:
  - when: { ticketType: loyalty }
    survey: { question: nps }
  - when: { ticketType: quiet }
    alert: { scoreAtMost: never }
`),
  );
  expect(policyFor(fault).alert.scoreAtMost).toBe(3);
  expect(policyFor({ ...fault, ticketType: 'loyalty' }).alert.scoreAtMost).toBeNull();
  expect(policyFor({ ...fault, ticketType: 'quiet' }).alert.scoreAtMost).toBe(-1);
  const usual = loadPolicy(
    file(
      'default: { alert: { scoreAtMost: 3 } }\nrules: [{ when: { ticketType: fault }, alert: { scoreAtMost: null } }]',
    ),
  );
  expect(usual(fault).alert.scoreAtMost).toBeNull();
  const never = loadPolicy(
    file(`
default: { alert: { scoreAtMost: never } }
rules: [{ when: { ticketType: loyalty }, survey: { question: nps } }]
`),
  );
  expect(never({ ...fault, ticketType: 'loyalty' }).alert.scoreAtMost).toBe(-1);
});

test('a question of the file has what is usual for its scale, unless it says otherwise', () => {
  const { questions } = loadPolicy(
    file(`
questions:
  a: { scale: nps }
  b: { scale: thumbs, followUps: [], cap: { count: 2, per: 30d } }
`),
  );
  expect(questions?.get('a')).toMatchObject({
    cap: { count: 1, per: 90 * day },
    followUps: [{ id: 'reasons', atMost: 6 }],
  });
  expect(questions?.get('b')).toMatchObject({ cap: { count: 2, per: 30 * day }, followUps: [] });
});

test('an id that is written in digits stays as it is written', () => {
  const policyFor = loadPolicy(
    file('rules: [{ when: { customerId: [0042, 12345678901234567890, 7] }, holdDown: 5m }]'),
  );
  const holdDownOf = (customerId: string) => policyFor({ ...fault, customerId }).holdDown;
  expect(['0042', '12345678901234567890', '7', '42'].map(holdDownOf)).toEqual([300_000, 300_000, 300_000, 0]);
});

test('business hours may last until midnight', () => {
  const policyFor = loadPolicy(file('default: { confirmation: { businessHours: { from: "00:00", to: "24:00" } } }'));
  expect(policyFor(fault).confirmation?.businessHours).toMatchObject({ from: '00:00', to: '24:00' });
});

test('a file that is not there is refused by its name', () => {
  expect(() => loadPolicy('/nowhere/policy.yaml')).toThrow('/nowhere/policy.yaml: cannot be read');
});

test.each([
  ['default:\n  survey:\n    sample: 101\n', 'line 3'],
  ['default:\n  holdDown: 1m\nrules:\n  - when: { ticketType: fault }\n    holdOff: 5m\n', 'line 5'],
  ['default:\n  holdDown: [\n', 'line'],
])('an error names its line: %p', (yaml, line) => expect(() => loadPolicy(file(yaml))).toThrow(line));

test('all faults of a file are named at once, in its order', () => {
  const path = file(`default:
  holdOff: 1m
  survey: { sample: 101 }
rules:
  - when: { ticketType: fault }
    holdDown: soon
`);
  const named = /line 2: default\.holdOff.*\n.*line 3: default\.survey\.sample.*\n.*line 6: rule 1: holdDown/;
  expect(() => loadPolicy(path)).toThrow(named);
});

test('policy explain says which rule matches a report, and what did not fit in those before', () => {
  const path = file(`rules:
  - when: { ticketType: change }
    holdDown: 1m
  - when: { severity: minor }
    holdDown: 2m
`);
  expect(explainPolicy(path, fault)).toMatchObject({
    rule: 2,
    compared: [
      { rule: 1, line: 2, differs: ['ticketType is fault, not change'] },
      { rule: 2, line: 4, differs: [] },
    ],
    policy: { holdDown: 120_000 },
  });
  expect(explainPolicy(path, { ...fault, severity: 'major' })).toMatchObject({ rule: null, policy: { holdDown: 0 } });
});

describe('a rule', () => {
  const policyFor = loadPolicy(
    file(`rules:
  - when: { customerId: [C-1, C-2], severity: [critical, Major] }
    holdDown: 1m
  - when: { customerSegment: gold }
    holdDown: 2m
  - when: { ticket.channel.name: [portal, app] }
    holdDown: 3m
  - when: { ticket.relatedParty.role: partner }
    holdDown: 4m
  - when: { priority: 1 }
    holdDown: 5m
`),
  );
  const party = (given: object) => ({
    relatedParty: [{ id: 'C-9', '@referredType': 'Customer', role: 'customer', ...given }],
  });

  test.each([
    ['one of a list of customers, in any case', { customerId: 'C-2', severity: 'MAJOR' }, 1],
    ['a customer of the list, but another severity', { customerId: 'C-2', severity: 'minor' }, 0],
    ['the segment of the customer', { document: party({ segment: 'Gold' }) }, 2],
    [
      'a characteristic of the ticket',
      { document: { characteristic: [{ name: 'customerSegment', value: 'gold' }] } },
      2,
    ],
    ['another segment', { document: party({ segment: 'silver' }) }, 0],
    ['any attribute of the ticket', { document: { channel: { name: 'app' } } }, 3],
    ['any item of a list', { document: { relatedParty: [{ role: 'customer' }, { role: 'partner' }] } }, 4],
    ['a number', { priority: '1' }, 5],
    ['nothing that an object inherits', { document: { channel: {} }, priority: 'constructor' }, 0],
  ])('matches by %s', (_, facts, minutes) => {
    expect(policyFor({ ...fault, ...facts }).holdDown).toBe(minutes * 60_000);
  });

  test('that looks at the whole ticket is known as such, because one statement is not enough to close by it', () => {
    expect(policyFor.readsTicket).toBe(true);
    expect(loadPolicy(file('rules: [{ when: { priority: "1" }, holdDown: 1s }]')).readsTicket).toBe(false);
  });
});

test('what is valid, but probably not meant, is said with its line', () => {
  const path = file(`default:
  survey: { expiresAfter: 5d }
rules:
  - when: { severity: [critcal, Major] }
    survey: { reminderAfter: 1d }
`);
  expect(policyWarnings(path)).toEqual([
    'line 4: severity "critcal" is unusual; TMF621 has critical, major, minor.',
    'line 1: no reminder is sent, because the survey expires before reminderAfter.',
  ]);
  expect(policyWarnings(file('default: { holdDown: 5m }'))).toEqual([]);
});

test('brands of a rule are looked up if there is a folder of them', () => {
  const path = file('default: { brand: acme }');
  expect(policyWarnings(path)).toEqual(['brands were not looked up, because CLOSEOUT_BRANDS is not set.']);
  expect(policyWarnings(path, ['acme'])).toEqual([]);
  expect(() => policyWarnings(path, ['other'])).toThrow('line 1: default.brand acme does not exist; there are other');
});
