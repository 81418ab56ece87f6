import { CloseoutError } from './errors.js';

/** Of two keys with one id, only one would be used, and what the other signed or encrypted would be lost. Throws `BadSetting`. */
export function assertIdsDiffer(setting: string, keys: { id: string }[]): void {
  if (new Set(keys.map(({ id }) => id)).size === keys.length) return;
  throw new CloseoutError('BadSetting', `${setting} has two keys with the same id; give each key its own.`, setting);
}
