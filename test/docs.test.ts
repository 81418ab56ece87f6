import { readFileSync } from 'node:fs';
import { errors } from '../src/contract/errors.js';

test('docs/errors.md tells of every error what the table in the code says', () => {
  const rows = readFileSync('docs/errors.md', 'utf8').matchAll(
    /^\| `(\w+)` +\| (\d+) +\| (yes|no) +\| (\w+) +\| (.+?) +\| (.+?) +\|$/gm,
  );
  const told = [...rows].map(([, code = '', http, retried, acts]) => {
    return [code, { http: Number(http), retry: retried === 'yes', acts }] as const;
  });
  expect(Object.fromEntries(told)).toEqual(errors);
});
