/** Input of HTTP requests, validated against a schema; every error names the field and what is allowed. */
import type { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';

/** Throws `BadInput`. `field` is the path in the input, as `relatedContactInformation[0].emailAddress`. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, name = 'The body'): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = (issue?.path ?? [])
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  const isMissing = issue?.code === 'invalid_type' && issue.message.includes('received undefined');
  const rule = isMissing ? 'is missing' : lowerFirst(issue?.message ?? 'is invalid');
  throw new CloseoutError('BadInput', `${field || name} ${rule}.`, field);
}

const lowerFirst = (message: string) => message.charAt(0).toLowerCase() + message.slice(1);
