import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { errors } from '../src/contract/errors.js';
import { dynamicConfig } from '../src/local/temporal.js';
import { localPorts, settings } from '../src/setup/config.js';

const documents = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n');

/** The rows of all tables in a document, as cells. */
function rowsOf(document: string): string[][] {
  const lines = readFileSync(document, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| -'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('docs/errors.md says of every error what the table in the code says', () => {
  const rows = rowsOf('docs/errors.md').filter(([code]) => code?.startsWith('`'));
  const documented = rows.map(([code = '', http, retried, acts]) => {
    return [code.replaceAll('`', ''), { http: Number(http), retry: retried === 'yes', acts }] as const;
  });
  expect(Object.fromEntries(documented)).toEqual(errors);
});

describe('docs/configuration.md', () => {
  const documented = new Map(
    rowsOf('docs/configuration.md')
      .filter(([setting]) => setting?.startsWith('`'))
      .map(([setting = '', value = '']) => [setting.replaceAll('`', ''), value]),
  );
  const schemas = { ...settings.shape, ...localPorts.shape };

  test('lists every setting once', () => {
    const read = ['CLOSEOUT_DATA', 'CLOSEOUT_TEMPORAL_CLI']; // by `npm start`, before the others
    expect([...documented.keys()].sort()).toEqual([...Object.keys(schemas), ...read].sort());
  });

  test.each(Object.entries(schemas))('has the default of %s', (name, schema) => {
    const result = schema.safeParse(undefined);
    const value = documented.get(name) ?? '';
    if (!result.success) expect(value).toBe('required');
    else if (String(result.data ?? '') === '') expect(value).not.toMatch(/^(required|`[^`]*`)$/);
    else expect(value).toBe(`\`${String(result.data)}\``);
  });
});

test('deploy/temporal.yaml has the dynamic configuration of the local servers', () => {
  const values = parse(readFileSync('deploy/temporal.yaml', 'utf8')) as Record<string, { value: unknown }[]>;
  const settings = Object.entries(values).map(([name, [only]]) => `${name}=${JSON.stringify(only?.value)}`);
  expect(settings).toEqual(dynamicConfig);
});

test.each(rowsOf('docs/threats.md').slice(1))(
  'docs/threats.md: %s: its test exists',
  (_threat, _measure, named = '') => {
    const [, path = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(named) ?? [];
    expect(readFileSync(path, 'utf8')).toContain(name);
  },
);

test.each(documents)('%s has no table cell longer than 120 characters', (document) => {
  const long = rowsOf(document)
    .flat()
    .filter((cell) => cell.length > 120);
  expect(long).toEqual([]);
});
