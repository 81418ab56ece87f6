/** `name [reference]`, of at most `limit` characters: a search finds the ticket by its reference, so the name is what is shortened. */
export function titleWith(name: string, reference: string, limit: number): string {
  const marker = ` [${reference}]`;
  // Never half a character.
  return (
    name
      .slice(0, Math.max(0, limit - marker.length))
      .replace(/[\uD800-\uDBFF]$/, '')
      .trimEnd() + marker
  );
}
