/** What every command of `closeout` is made with. */
import type { Command } from 'commander';
import { CloseoutError, errors } from '../contract/errors.js';
import type { CloseoutClient } from '../client.js';

export interface Common {
  json?: boolean;
}

export const commandsOf = (program: Command) => (spec: string, description: string) =>
  program.command(spec).description(description).option('--json', 'print JSON');

export async function withClient(use: (client: CloseoutClient) => Promise<void>): Promise<void> {
  const [{ CloseoutClient }, { loadConfig }, { openTracing }] = await Promise.all([
    import('../client.js'),
    import('../setup/config.js'),
    import('../setup/tracing.js'),
  ]);
  const config = loadConfig();
  const tracing = await openTracing(config, 'cli');
  const client = CloseoutClient.connect(config, tracing);
  try {
    await use(client);
  } finally {
    await client.close();
    await tracing?.close();
  }
}

export function print({ json }: Common, value: unknown, words: string): void {
  process.stdout.write((json ? JSON.stringify(value, null, 2) : words) + '\n');
}

export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new CloseoutError('BadInput', `${option} must be a whole number, not "${text}".`, option);
  return Number(text);
}

const temporary = new WeakSet<Error>();

/** Marks what a mail server should try again later, and throws it. */
export function throwTemporary(error: unknown): never {
  const isFinal = error instanceof CloseoutError && !errors[error.code].retry;
  if (error instanceof Error && !isFinal) temporary.add(error);
  throw error;
}

export const isTemporary = (error: Error): boolean => temporary.has(error);
