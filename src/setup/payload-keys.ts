/** CLOSEOUT_PAYLOAD_KEYS: the keys for what Temporal stores. */
import { assertIdsDiffer } from '../contract/key-ids.js';
import { CloseoutError } from '../contract/errors.js';

interface PayloadKey {
  id: string;
  /** 32 bytes. */
  secret: Buffer;
}

export interface PayloadKeys {
  /** Those that decrypt. */
  known: PayloadKey[];
  /** One of them; without it, nothing is encrypted. */
  encrypting?: PayloadKey;
}

/** `id:base64,id:base64`: the first encrypts, unless `none` comes before it. */
export function payloadKeysFrom(setting: string | undefined): PayloadKeys {
  const entries = setting?.split(',') ?? [];
  const isPlain = entries[0]?.trim() === 'none';
  const known = entries.slice(isPlain ? 1 : 0).map((entry) => {
    const [, id, base64] = /^\s*([A-Za-z0-9]{1,16}):([A-Za-z0-9+/]+=*)\s*$/.exec(entry) ?? [];
    const secret = Buffer.from(base64 ?? '', 'base64');
    if (id && secret.length === 32) return { id, secret };
    const rule =
      'must be a comma-separated list of id:key, the id 1 to 16 letters or digits, the key 32 bytes in base64; after "none", keys only decrypt';
    throw new CloseoutError('BadSetting', `CLOSEOUT_PAYLOAD_KEYS ${rule}.`, 'CLOSEOUT_PAYLOAD_KEYS');
  });
  assertIdsDiffer('CLOSEOUT_PAYLOAD_KEYS', known);
  return isPlain ? { known } : { known, encrypting: known[0] };
}
