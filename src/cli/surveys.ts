/** Commands about surveys: what came of them, what customers wrote, and forgetting who they are. */
import type { Command } from 'commander';
import { commandsOf, print, throwTemporary, wholeNumber, withClient, type Common } from './shell.js';

export function surveyCommands(program: Command): void {
  const command = commandsOf(program);

  command('reply <report>', 'write to the customer, in the thread of the survey')
    .requiredOption('--text <text>', 'what to write')
    .option('--by <who>', 'who writes', process.env['USER'] ?? 'cli')
    .action((id: string, { text, by, json }: Common & { text: string; by: string }) =>
      withClient(async (client) => {
        await client.surveys.reply(id, text, by);
        print({ json }, { report: id, by }, `${id}: the mail is on its way.`);
      }),
    );

  command('timeline <report>', 'what happened to the surveys of a report, what was answered and written').action(
    (id: string, options: Common) =>
      withClient(async (client) => {
        await client.reports.get(id);
        const { timelineView, timelineTable } = await import('./timeline.js');
        const timeline = await timelineView(client.surveys, id);
        print(options, timeline, timelineTable(timeline));
      }),
  );

  command('stats', 'what became of the surveys, and how satisfied customers are').action((options: Common) =>
    withClient(async (client) => {
      const stats = await client.stats();
      const { statsTable } = await import('./timeline.js');
      print(options, stats, statsTable(stats));
    }),
  );

  command('erase <customer>', "remove a customer's name, addresses and words; scores and opt-outs stay").action(
    (id: string, options: Common) =>
      withClient(async (client) => {
        const reports = await client.erase(id, process.env['USER'] ?? 'cli');
        print(options, { customer: id, reports }, `${id}: removed from ${reports} reports.`);
      }),
  );

  command('forget', 'remove who the customers of old reports were, as the daily job does')
    .requiredOption('--older-than <days>', 'days since the report ended')
    .action(({ olderThan, json }: Common & { olderThan: string }) =>
      withClient(async (client) => {
        const before = new Date(Date.now() - wholeNumber('--older-than', olderThan) * 24 * 60 * 60 * 1000);
        const reports = await client.customers.forgetEndedBefore(before);
        print({ json }, { reports }, `Removed from ${reports} reports.`);
      }),
    );

  /** For a mail server's pipe. Exit code 75 asks it to try again later (sysexits.h, EX_TEMPFAIL). */
  command('inbound', 'take a mail that came in, from standard input: a bounce, an automatic answer or a reply')
    .option('--recipient <address>', 'the address it came to')
    .action(({ recipient, json }: Common & { recipient?: string }) =>
      withClient(async (client) => {
        const [{ buffer }, { readIncoming }] = await Promise.all([
          import('node:stream/consumers'),
          import('../customer/incoming-mail.js'),
        ]);
        const mail = await readIncoming(await buffer(process.stdin), recipient);
        const received = await client.surveys.receive(mail).catch(throwTemporary);
        print({ json }, { received, survey: mail.surveyId }, `received: ${received}`);
      }),
    );
}
