/** Keys for what Temporal stores. */

export interface PayloadKey {
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
