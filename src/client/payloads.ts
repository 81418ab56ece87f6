/** The client's operations on encrypted payloads, for a codec server: as JSON, with base64 for bytes. */
import type { Payload, PayloadCodec } from '@temporalio/common';

export interface JsonPayload {
  /** Base64. */
  metadata: Record<string, string>;
  /** Base64. */
  data: string;
}

export class PayloadService {
  constructor(private readonly codecs: PayloadCodec[]) {}

  async decode(payloads: JsonPayload[]): Promise<JsonPayload[]> {
    let converted = payloads.map(fromJson);
    for (const codec of this.codecs) converted = await codec.decode(converted);
    return converted.map(toJson);
  }

  async encode(payloads: JsonPayload[]): Promise<JsonPayload[]> {
    let converted = payloads.map(fromJson);
    for (const codec of this.codecs) converted = await codec.encode(converted);
    return converted.map(toJson);
  }
}

const fromJson = ({ metadata, data }: JsonPayload): Payload => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
  data: Buffer.from(data, 'base64'),
});

const toJson = ({ metadata, data }: Payload): JsonPayload => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});
