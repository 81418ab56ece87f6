/** What a run takes from a payload, which any program may have sent: bounded, and storable. */
import { maxAuthorLength, storable } from '../contract/text.js';
import { instantOf } from '../contract/time.js';

/** A longer text is cut off. */
export const textOf = (value: unknown, most = maxAuthorLength): string | undefined =>
  typeof value === 'string' ? storable(value.slice(0, most)) || undefined : undefined;

export const timeOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? instantOf(value) : undefined;

/** Not free text, which might name the customer. */
export const codeIn = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value) ? value : undefined;
