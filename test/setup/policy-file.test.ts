import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainPolicy, loadPolicy } from '../../src/setup/policy-file.js';
import { defaultConfirmation, defaultPolicy } from '../../src/policy/settings.js';

const fault = { ticketType: 'fault', severity: 'minor' };
const day = 86_400_000;

function file(yaml: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'closeout-policy-')), 'policy.yaml');
  writeFileSync(path, yaml);
  return path;
}

test('without a file everything is at its default', () => expect(loadPolicy(undefined)(fault)).toBe(defaultPolicy));

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
  ['default: { survey: { sample: 101 } }', 'default.survey.sample'],
  ['default: { survey: { perCycle: never } }', 'default.survey.perCycle'],
  ['rules: [{ holdDown: 5m }]', 'rules.0.when'],
  ['rules: [{ when: { colour: red } }]', 'colour'],
  ['default: { holdDown: 99999999999d }', 'at most 3650d'],
  ['default: { survey: { expiresAfter: 0s } }', 'default.survey.expiresAfter must be more than 0'],
  ['rules: [{ when: {} }]', 'rules.0.when must name at least one'],
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
    'default.confirmation.window is longer than the business hours of 3650 days',
  ],
  [
    'rules: [{ when: { severity: minor }, confirmation: { window: 900d } }]',
    'rules.0.confirmation.window is longer than the business hours of 3650 days',
  ],
  ['default: [', 'CLOSEOUT_POLICY'],
])('%s is refused, and the message names %s', (yaml, named) => {
  expect(() => loadPolicy(file(yaml))).toThrow(named);
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
