/** Commands about surveys: their outcome, and mail to and from customers. */
import type { Command } from 'commander';
import { CloseoutError, hasCode, isWorthRetrying } from '../contract/errors.js';
import { commandsOf, exitCodes, print, signed, UnhandledMail, withClient, type Common } from './shell.js';

export function surveyCommands(program: Command): void {
  const command = commandsOf(program);

  signed(command('reply <report>', 'write to the customer, in the thread of the survey'), 'who writes')
    .requiredOption('--text <text>', 'what to write')
    .action(reply);

  command('stats', 'outcome of the surveys, and how satisfied customers are').action((options: Common) =>
    withClient(async (client) => {
      const stats = await client.overview.stats();
      const { statsTable } = await import('./stats.js');
      print(options, stats, statsTable(stats));
    }),
  );

  /** For a mail server's pipe, which the exit code tells what to do with the mail. */
  command('inbound', 'handle an incoming mail from standard input, such as a bounce or a reply')
    .option('--recipient <address>', 'the address it was sent to')
    .action(receive);
}

const reply = (id: string, { text, by, json }: Common & { text: string; by: string }) =>
  withClient(async (client) => {
    await client.surveys.reply(id, text, by);
    print({ json }, { report: id, by }, `${id}: the mail is being sent.`);
  });

async function receive({ recipient, json }: Common & { recipient?: string }): Promise<void> {
  const [{ buffer }, { readIncoming }] = await Promise.all([
    import('node:stream/consumers'),
    import('../customer/incoming-mail.js'),
  ]);
  const source = await buffer(process.stdin);
  await withClient(async (client) => {
    const { kind, surveyId } = await client.incomingMail.receive(await readIncoming(source, recipient));
    print({ json }, { received: kind, survey: surveyId }, `received: ${kind}`);
  }).catch(throwUnhandled);
}

/**
 * Later, the database and Temporal may be back, the setting corrected, or the database migrated. The mail itself stays as it is. What
 * PostgreSQL says may quote it, so only what we say is printed.
 */
function throwUnhandled(error: unknown): never {
  const isTemporary = isWorthRetrying(error) || hasCode(error, 'BadSetting');
  const { code } = error as { code?: string };
  const message =
    error instanceof CloseoutError ? error.message : `The mail could not be stored (${code ?? 'Unexpected'}).`;
  throw new UnhandledMail(message, isTemporary ? exitCodes.deliverLater : exitCodes.returnMail, error);
}
