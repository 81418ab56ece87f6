/** Mail addresses that must be recognised again without being kept. */
import { createHmac } from 'node:crypto';

/** What opt-outs and suppressions are kept by: it cannot be turned back, and survives the erasure of the address. */
export function hashAddress(address: string, key: Buffer): string {
  return createHmac('sha256', key).update(address.trim().toLowerCase()).digest('base64url');
}
