/** Forecasts for a few incidents, by policies of which the outcome is known. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { comparisonTable } from '../../src/cli/forecast.js';
import { rehearse } from '../../src/incident-log/rehearse.js';
import type { Incident } from '../../src/incident-log/read.js';
import { loadPolicy } from '../../src/setup/policy-file.js';

const folder = mkdtempSync(join(tmpdir(), 'closeout-rehearse-'));

function policyOf(yaml: string) {
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, yaml);
  return loadPolicy(file);
}

const incident = (more: Partial<Incident> = {}): Incident => ({
  id: 'I-1',
  customerId: 'C-1',
  serviceProblemId: undefined,
  severity: 'minor',
  category: 'tv',
  openedAt: '2026-03-02T08:00:00Z',
  changes: [{ kind: 'cleared', at: '2026-03-02T10:00:00Z' }],
  ...more,
});

const forecast = (yaml: string, ...incidents: Incident[]) => rehearse(incidents, policyOf(yaml), { atOnce: false });

test('a rule for a service problem applies to its reports only', () => {
  const { skipped, sent } = forecast(
    'rules: [{ when: { serviceProblemId: SP-1 }, survey: { enabled: false } }]',
    incident({ serviceProblemId: 'SP-1' }),
    incident({ id: 'I-2', customerId: 'C-2' }),
  );
  expect([skipped, sent]).toEqual([{ disabled: 1 }, 1]);
});

test('a report that waits for a customer, also for one without an address, is not closed if silence does not close it', () => {
  const hold = 'default: { confirmation: { onSilence: hold } }';
  expect(forecast(hold, incident(), incident({ id: 'I-2', customerId: undefined })).closings).toBe(0);
  const close = 'default: { confirmation: { onSilence: close, businessHours: null } }';
  expect(forecast(close, incident(), incident({ id: 'I-2', customerId: undefined })).closings).toBe(2);
});

test('a cycle that is no more is listed among those that differ', () => {
  const changes: Incident['changes'] = [
    { kind: 'cleared', at: '2026-03-02T10:00:00Z' },
    { kind: 'reopened', at: '2026-03-02T12:00:00Z' },
    { kind: 'cleared', at: '2026-03-02T13:00:00Z' },
  ];
  const current = forecast('', incident({ id: 'I 1', changes }));
  const rehearsed = forecast('default: { holdDown: 4h }', incident({ id: 'I 1', changes }));
  expect([current.closings, rehearsed.closings]).toEqual([2, 1]);
  const lines = comparisonTable(current, rehearsed, true).split('\n');
  expect(lines).toContain('2 cycles differ.');
  expect(lines.at(-1)).toMatch(/^I 1 +2 .*no such cycle/);
});
