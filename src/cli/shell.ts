/** Helpers that the commands of `closeout` share. */
import type { Command } from 'commander';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import type { RunStatus } from '../contract/reports.js';

export interface Common {
  json?: boolean;
}

/** The default author of changes. */
export const user = process.env['USER'] ?? 'cli';

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

export function print({ json }: Common, value: unknown, text: string): void {
  process.stdout.write((json ? JSON.stringify(value, null, 2) : text) + '\n');
}

export function describe(status: RunStatus): string {
  const { reportId, phase, cycle, held, waitingFor, until, survey, confirmation, attention } = status;
  const lines = [
    `${reportId}: ${phase}, cycle ${cycle}${held ? ', held' : ''}`,
    `waits for: ${until ? `${waitingFor}, until ${until}` : waitingFor}`,
    `survey: ${survey.reason ? `${survey.state} (${survey.reason})` : survey.state}`,
  ];
  if (confirmation) lines.push(`confirmation: ${confirmation}`);
  if (attention) lines.push(`needs attention since ${attention.since}: ${attention.step} - ${attention.failure}`);
  return lines.join('\n');
}

export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new CloseoutError('BadInput', `${option} must be a whole number, not "${text}".`, option);
  return Number(text);
}

/** The mail server should deliver the mail again later. */
export class TemporaryError extends Error {}
