/** The history as text that can be searched: its payloads are bytes. */
export function decoded(history: unknown): string {
  return JSON.stringify(history, (_, value: unknown) =>
    value instanceof Uint8Array || (value as { type?: string } | null)?.type === 'Buffer'
      ? Buffer.from(value as Uint8Array).toString()
      : value,
  );
}
