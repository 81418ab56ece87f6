/** What settings share. */
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
