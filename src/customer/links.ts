/** Signed links: `{surveyId}.{keyId}.{mac}`. They reveal neither the customer nor the report. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { assertIdsDiffer } from '../contract/key-ids.js';
import { CloseoutError } from '../contract/errors.js';

export interface LinkKey {
  id: string;
  secret: Buffer;
}

export type LinkPurpose = 'survey' | 'optOut' | 'confirm';

/** `id:base64,id:base64`: the first key signs, all verify, so that keys can be rotated while links are in use. */
export function linkKeysFrom(setting: string): LinkKey[] {
  const keys = setting.split(',').map((entry) => {
    const [, id, base64] = /^\s*([A-Za-z0-9]{1,8}):([A-Za-z0-9+/_-]+=*)\s*$/.exec(entry) ?? [];
    const secret = Buffer.from(base64 ?? '', 'base64');
    if (!id || secret.length < 16) {
      throw new CloseoutError(
        'BadSetting',
        'CLOSEOUT_LINK_KEYS must be a comma-separated list of id:key, the id 1 to 8 letters or digits, the key at least 16 bytes in base64.',
        'CLOSEOUT_LINK_KEYS',
      );
    }
    return { id, secret };
  });
  assertIdsDiffer('CLOSEOUT_LINK_KEYS', keys);
  return keys;
}

export function signLink(purpose: LinkPurpose, surveyId: string, keys: LinkKey[]): string {
  const [key] = keys;
  if (!key) throw new Error('no link key');
  return `${surveyId}.${key.id}.${mac(purpose, surveyId, key)}`;
}

/** The survey id of a valid link; undefined for any other, after the same work. */
export function verifyLink(purpose: LinkPurpose, token: string, keys: LinkKey[]): string | undefined {
  const [surveyId, keyId, given, ...rest] = token.split('.');
  const key = keys.find(({ id }) => id === keyId);
  if (!surveyId || !given || !key || rest.length > 0) return undefined;
  const expected = Buffer.from(mac(purpose, surveyId, key));
  const actual = Buffer.from(given);
  return actual.length === expected.length && timingSafeEqual(actual, expected) ? surveyId : undefined;
}

/** 128 bits in 22 characters. Compared as text, because base64 has more than one spelling of the same bytes. */
function mac(purpose: LinkPurpose, surveyId: string, { id, secret }: LinkKey): string {
  const digest = createHmac('sha256', secret).update(`v1|${purpose}|${id}|${surveyId}`).digest();
  return digest.subarray(0, 16).toString('base64url');
}
