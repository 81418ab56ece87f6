/** CLOSEOUT_LINK_KEYS: the keys that sign the links in mails. */
import type { LinkKey } from '../customer/links.js';
import { assertIdsDiffer, refuse } from './setting.js';

const rule =
  'must be a comma-separated list of id:key, the id 1 to 8 letters or digits, the key at least 16 bytes in base64';

/** `id:base64,id:base64`. Throws `BadSetting`. */
export function linkKeysFrom(setting: string): LinkKey[] {
  const keys = setting.split(',').map((entry) => {
    const [, id, base64 = ''] = /^\s*([A-Za-z0-9]{1,8}):([A-Za-z0-9+/_-]+=*)\s*$/.exec(entry) ?? [];
    const secret = Buffer.from(base64, 'base64');
    return id && secret.length >= 16 ? { id, secret } : refuse('CLOSEOUT_LINK_KEYS', rule);
  });
  assertIdsDiffer('CLOSEOUT_LINK_KEYS', keys);
  return keys;
}
