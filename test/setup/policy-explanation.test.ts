/** `closeout policy explain`: every setting as it is written, and where it comes from. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainPolicy } from '../../src/setup/policy-explanation.js';

const fault = { ticketType: 'fault', severity: 'minor' };

function file(yaml: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'closeout-policy-')), 'policy.yaml');
  writeFileSync(path, yaml);
  return path;
}

test('every setting is shown as it is written, with the line that it comes from', () => {
  const path = file(`default:
  holdDown: 90s
rules:
  - when: { severity: minor }
    survey:
      delay: 2h
`);
  const { settings } = explainPolicy(path, fault);
  const shown = Object.fromEntries(settings.map(({ name, value, from }) => [name, `${value} (${from})`]));
  expect(shown).toMatchObject({
    holdDown: '90s (default, line 2)',
    'survey.delay': '2h (rule 1, line 6)',
    'survey.expiresAfter': '14d (built in)',
    'survey.contactCap.count': '1 (built in)',
    'survey.contactCap.per': '7d (built in)',
    confirmation: 'null (built in)',
  });
});

test('what an alias refers to comes from the line where it is written', () => {
  const path = file(`default:
  survey: &calm
    delay: 2h
rules:
  - when: { severity: minor }
    survey: *calm
`);
  const { settings } = explainPolicy(path, fault);
  expect(settings.find(({ name }) => name === 'survey.delay')).toMatchObject({ value: '2h', from: 'rule 1, line 3' });
});

test('no setting is shown in milliseconds', () => {
  const path = file('default: { confirmation: { window: 4h, warnBefore: 1h } }\n');
  const { settings } = explainPolicy(path, fault);
  expect(settings.filter(({ value }) => /^\d{4,}$/.test(value))).toEqual([]);
});

test('business hours of a rule are complete in themselves, so what it omits is built in', () => {
  const path = file(`default:
  confirmation: { window: 4h, businessHours: { from: "08:00", to: "20:00" } }
rules:
  - when: { severity: minor }
    confirmation: { businessHours: { to: "16:00" } }
`);
  const { settings } = explainPolicy(path, fault);
  const fromOf = (name: string) => settings.find((setting) => setting.name === `confirmation.${name}`);
  expect(fromOf('businessHours.to')).toMatchObject({ value: '"16:00"', from: 'rule 1, line 5' });
  expect(fromOf('businessHours.from')).toMatchObject({ value: '"09:00"', from: 'built in' });
  expect(fromOf('window')).toMatchObject({ value: '4h', from: 'default, line 2' });
});

test('a score to alert at: never, and the built-in one of a question on another scale', () => {
  const shown = (yaml: string) => {
    const { settings } = explainPolicy(file(yaml), fault);
    const alert = settings.find(({ name }) => name === 'alert.scoreAtMost');
    return `${alert?.value} (${alert?.from})`;
  };
  const rule = 'rules: [{ when: { severity: minor }, survey: { question: nps } }]';
  expect(shown('default: { alert: { scoreAtMost: never } }')).toBe('never (default, line 1)');
  expect(shown(`default: { alert: { scoreAtMost: never } }\n${rule}`)).toBe('never (default, line 1)');
  expect(shown(`default: { alert: { scoreAtMost: 3 } }\n${rule}`)).toBe('null (built in)');
});
