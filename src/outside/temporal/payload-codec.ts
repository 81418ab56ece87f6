/** Encrypts what Temporal stores: inputs, results, signals, summaries. AES-256-GCM with named keys, so that they can be replaced. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { CloseoutError } from '../../contract/errors.js';
import type { PayloadKey, PayloadKeys } from '../../contract/payload-keys.js';

const encoding = 'binary/encrypted';
const cipher = 'aes-256-gcm';
const [ivBytes, tagBytes] = [12, 16];
const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString();

/** What is not encrypted passes as it is: a service without the key may send plain signals. */
export class EncryptingCodec implements PayloadCodec {
  constructor(private readonly keys: PayloadKeys) {}

  encode(payloads: Payload[]): Promise<Payload[]> {
    const { encrypting } = this.keys;
    return Promise.resolve(encrypting ? payloads.map((payload) => encrypt(payload, encrypting)) : payloads);
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    // A rejection instead of an exception, so that callers see one kind.
    return Promise.resolve().then(() => payloads.map((payload) => this.decrypted(payload)));
  }

  private decrypted(payload: Payload): Payload {
    if (textOf(payload.metadata?.['encoding']) !== encoding) return payload;
    const id = textOf(payload.metadata?.['encryption-key-id']);
    const key = this.keys.known.find((known) => known.id === id);
    if (!key)
      throw new CloseoutError(
        'BadSetting',
        `CLOSEOUT_PAYLOAD_KEYS has no key ${id}, with which this was encrypted.`,
        'CLOSEOUT_PAYLOAD_KEYS',
      );
    return decrypt(payload, key);
  }
}

function encrypt(payload: Payload, { id, secret }: PayloadKey): Payload {
  const iv = randomBytes(ivBytes);
  const sealing = createCipheriv(cipher, secret, iv);
  const sealed = Buffer.concat([sealing.update(PayloadMessage.encode(payload).finish()), sealing.final()]);
  const metadata = {
    encoding: bytes(encoding),
    'encryption-key-id': bytes(id),
    'encryption-cipher': bytes('AES-256-GCM'),
  };
  return { metadata, data: Buffer.concat([iv, sealing.getAuthTag(), sealed]) };
}

function decrypt({ data }: Payload, { secret }: PayloadKey): Payload {
  const all = Buffer.from(data ?? []);
  const opening = createDecipheriv(cipher, secret, all.subarray(0, ivBytes));
  opening.setAuthTag(all.subarray(ivBytes, ivBytes + tagBytes));
  const opened = Buffer.concat([opening.update(all.subarray(ivBytes + tagBytes)), opening.final()]);
  return PayloadMessage.decode(opened);
}
