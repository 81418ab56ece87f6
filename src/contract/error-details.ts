/** What logs say about errors: nothing that a relay, a system or a database quotes from a customer. */
import { CloseoutError } from './errors.js';

/** Code and message of one of our errors; of any other, where it came from. */
export function loggedError(error: unknown): Record<string, unknown> {
  if (error instanceof CloseoutError) return { failure: error.code, reason: error.message };
  return { failure: 'Unexpected', ...originOf(error) };
}

/** Where an unexpected error came from: the frames of its stack, its causes, and what PostgreSQL says that is not data. */
export function originOf(error: unknown): Record<string, unknown> {
  const { name, message, code, constraint, table, stack } = error as Record<string, unknown>;
  // The stack begins with the message.
  const frames = typeof stack === 'string' ? stack.replace(String(message), '').split('\n').slice(1) : [];
  const at = frames.map((frame) => frame.trim());
  return { error: name, code, constraint, table, causes: causesOf(error), at };
}

/** From the nearest: `fetch failed` has the error of the network below it. */
function causesOf(error: unknown): string[] {
  if (!(error instanceof Error) || !(error.cause instanceof Error)) return [];
  const { code } = error.cause as { code?: unknown };
  return [typeof code === 'string' ? code : error.cause.name, ...causesOf(error.cause)];
}
