/** Helpers that the commands of `closeout` share. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CloseoutClient } from '../client.js';
import { isReservedAuthor } from '../contract/access.js';
import { CloseoutError } from '../contract/errors.js';
import type { RunStatus } from '../contract/reports.js';
import { isTime, timeRule } from '../contract/time.js';
import { stateInWords } from '../policy/state-in-words.js';
import { localTime, printable } from './terminal.js';

export interface Common {
  json?: boolean;
}

/** The default author of changes. A service may run as a user named `closeout`. */
const { USER = 'cli' } = process.env;
export const user = isReservedAuthor(USER) ? 'cli' : USER;

/** Adds `--by`. Nobody may type an author that is reserved. */
export const signed = (command: Command, description: string): Command =>
  command.option(
    '--by <who>',
    description,
    (name) => {
      if (isReservedAuthor(name))
        throw new CloseoutError('BadInput', `--by must not be ${name}, which is reserved by Closeout.`, '--by');
      return name;
    },
    user,
  );

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

/** What stands now, in words, with the command to act on it. */
export function describe(status: RunStatus): string {
  const { reportId, phase, cycle, survey, run, skipSurveyBy } = status;
  const { sentence, command } = stateInWords(status, localTime);
  const lines = [`${reportId}: ${sentence}`];
  if (command) lines.push(`To act: ${command}`);
  if (skipSurveyBy && survey.state === 'none') lines.push(`No survey will be sent: ${skipSurveyBy} has skipped it.`);
  const outcome = survey.reason ? `${survey.state} (${survey.reason})` : survey.state;
  lines.push(`Phase ${phase}, cycle ${cycle}, survey ${outcome}${run ? `, run ${run}` : ''}`);
  return printable(lines.join('\n'));
}

/** How long a command waits to report what became of its request; ms. */
const settleTimeout = 2_000;

/** The status once it is as expected, or after a moment. */
export async function settled(
  client: CloseoutClient,
  reportId: string,
  isExpected: (status: RunStatus) => boolean,
): Promise<RunStatus> {
  const giveUp = performance.now() + settleTimeout;
  let status = await client.status(reportId);
  while (!isExpected(status) && performance.now() < giveUp) {
    await pause(100);
    status = await client.status(reportId);
  }
  return status;
}

export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new CloseoutError('BadInput', `${option} must be a whole number from 0 to 999999, not "${text}".`, option);
  return Number(text);
}

/** The one parser of times that are given to a command. */
export function timeOption(option: string, text: string): string;
export function timeOption(option: string, text: string | undefined): string | undefined;
export function timeOption(option: string, text: string | undefined): string | undefined {
  if (text === undefined || isTime(text)) return text;
  throw new CloseoutError('BadInput', `${option} ${timeRule}, not "${text}".`, option);
}

/** One of these words. */
export function wordOption<T extends string>(
  option: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  const found = words.find((word) => word === text);
  if (text === undefined || found) return found;
  throw new CloseoutError('BadInput', `${option} must be one of ${words.join(', ')}, not "${text}".`, option);
}

/** What a mail server is to do with a mail that was not handled, as sysexits.h has it. */
export const exitCodes = { returnMail: 65, deliverLater: 75 } as const;

/** Its cause is the error to print. */
export class UnhandledMail extends Error {
  constructor(
    message: string,
    readonly exitCode: (typeof exitCodes)[keyof typeof exitCodes],
    cause: unknown,
  ) {
    super(message, { cause });
  }
}
