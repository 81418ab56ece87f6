/** CLOSEOUT_PAYLOAD_KEYS: the keys for what Temporal stores. */
import type { PayloadKeys } from '../contract/payload-keys.js';
import { assertIdsDiffer, refuse } from './setting.js';

const rule =
  'must be a comma-separated list of id:key, the id 1 to 16 letters or digits, the key 32 bytes in base64; after "none", keys only decrypt';

/** `id:base64,id:base64`: the first encrypts, unless `none` comes before it. */
export function payloadKeysFrom(setting: string | undefined): PayloadKeys {
  const entries = setting?.split(',') ?? [];
  const isPlain = entries[0]?.trim() === 'none';
  const known = entries.slice(isPlain ? 1 : 0).map((entry) => {
    const [, id, base64 = ''] = /^\s*([A-Za-z0-9]{1,16}):([A-Za-z0-9+/]+=*)\s*$/.exec(entry) ?? [];
    const secret = Buffer.from(base64, 'base64');
    return id && secret.length === 32 ? { id, secret } : refuse('CLOSEOUT_PAYLOAD_KEYS', rule);
  });
  assertIdsDiffer('CLOSEOUT_PAYLOAD_KEYS', known);
  return isPlain ? { known } : { known, encrypting: known[0] };
}
