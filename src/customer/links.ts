/** Signed links: `{surveyId}.{keyId}.{mac}`. They reveal neither the customer nor the report. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The first key of a list signs, all verify, so that keys can be rotated while links are in use. */
export interface LinkKey {
  id: string;
  secret: Buffer;
}

export type LinkPurpose = 'survey' | 'optOut' | 'confirm';

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
