/** What is wrong with a value, in words. */
import type { z } from 'zod';

/** Where the fault is: the unknown setting itself, not the map that holds it. */
export const pathOf = (issue: z.core.$ZodIssue): PropertyKey[] =>
  issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;

/** What zod says by itself, in our words. `object`: what a map is called where the input comes from. */
export function reasonOf(issue: z.core.$ZodIssue | undefined, object = 'a map of settings'): string {
  if (issue?.code === 'unrecognized_keys') return 'is not a setting';
  if (!issue || !/^(Invalid|Too) /.test(issue.message)) return issue?.message ?? 'is invalid';
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('undefined')
        ? 'is missing'
        : `must be ${issue.expected === 'object' ? object : (names[issue.expected] ?? issue.expected)}`;
    case 'too_big':
      return `must ${amount(issue.origin, 'at most', issue.maximum)}`;
    case 'too_small':
      return `must ${amount(issue.origin, 'at least', issue.minimum)}`;
    case 'invalid_format':
      return formats[issue.format] ?? 'is invalid';
    case 'invalid_key':
      return reasonOf(issue.issues[0], object);
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    default:
      return 'is invalid';
  }
}

function amount(origin: string, limit: string, count: number | bigint): string {
  const [one, many] = units[origin] ?? [];
  return one === undefined ? `be ${limit} ${count}` : `have ${limit} ${count} ${count === 1 ? one : many}`;
}

const units: Record<string, [string, string]> = { string: ['character', 'characters'], array: ['entry', 'entries'] };

const formats: Record<string, string> = {
  email: 'must be a mail address',
  url: 'must be a URL',
  base64: 'must be in base64',
};

const names: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a map of attributes',
};
