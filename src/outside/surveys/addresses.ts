/** Hashes: of mail addresses that must be recognised again without being kept, and of reports for sampling. */
import { createHash, createHmac } from 'node:crypto';

/** What opt-outs and suppressions are kept by: it cannot be turned back, and survives the erasure of the address. */
export function hashAddress(address: string, key: Buffer): string {
  return createHmac('sha256', key).update(address.trim().toLowerCase()).digest('base64url');
}

/** 0 to 99, evenly spread and always the same for the same report. */
export const sampleBucketOf = (reportId: string): number =>
  createHash('sha256').update(reportId).digest().readUInt32BE() % 100;
