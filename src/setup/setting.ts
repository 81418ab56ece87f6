/** Helpers to read settings. */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';

/** `schemes`: as `https:`. */
export const url = (...schemes: string[]) =>
  z.string().refine((value) => URL.canParse(value) && schemes.includes(new URL(value).protocol), {
    error: `must be a URL that begins with ${schemes.map((scheme) => scheme + '//').join(' or ')}`,
  });

/** Throws `BadSetting`. */
export function refuse(setting: string, rule: string): never {
  throw new CloseoutError('BadSetting', `${setting} ${rule}.`, setting);
}

/** Of two keys with one id, only one would be used, and what the other signed or encrypted would be lost. Throws `BadSetting`. */
export function assertIdsDiffer(setting: string, keys: { id: string }[]): void {
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    refuse(setting, 'has two keys with the same id; give each key its own');
}
