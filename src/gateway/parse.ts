/** Input of HTTP requests, validated against a schema; every error names the field and what is allowed. */
import type { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { reasonOf } from '../setup/reason.js';

/** Throws `BadInput`. `field` is the path in the input, as `relatedContactInformation[0].emailAddress`. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, name = 'The body'): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = (issue?.path ?? [])
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  const rule =
    issue?.code === 'unrecognized_keys'
      ? `must not have the attribute ${String(issue.keys[0])}`
      : reasonOf(issue, 'an object');
  throw new CloseoutError('BadInput', `${field || name} ${rule}.`, field);
}
