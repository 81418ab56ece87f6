/** Commands that remove personal data. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { CloseoutError } from '../contract/errors.js';
import { commandsOf, print, user, wholeNumber, withClient, type Common } from './shell.js';
import { localTime, table } from './terminal.js';

export function customerCommands(program: Command): void {
  const command = commandsOf(program.commandsGroup('Customers:'));

  command('erase <customer>', "remove a customer's name, addresses and words; scores and opt-outs stay")
    .option('--dry-run', 'only say how many reports it concerns')
    .option('--yes', 'do not ask')
    .action(erase);

  command('forget', 'remove personal data from old reports, as the daily job does')
    .requiredOption('--older-than <days>', 'days since the report ended')
    .option('--dry-run', 'only say how many reports it concerns')
    .option('--yes', 'do not ask')
    .action(forget);

  command('do-not-contact', 'who must not be mailed: opt-outs and suppressed addresses, newest first')
    .option('--limit <n>', 'how many', '50')
    .action(doNotContact);

  command('allow-contact <report>', "take the address of a report's contact off these lists").action(allowContact);
}

const doNotContact = ({ limit, json }: Common & { limit: string }) =>
  withClient(async (client) => {
    const entries = await client.customers.doNotContact(wholeNumber('--limit', limit));
    const head = ['REPORT', 'WHY', 'REASON', 'SOURCE', 'SINCE'];
    const rows = entries.map((entry) => [
      entry.reportId ?? '',
      entry.kind,
      entry.reason ?? '',
      entry.source,
      localTime(entry.at),
    ]);
    print({ json }, entries, entries.length > 0 ? table(head, rows) : 'No address is blocked.');
  });

const allowContact = (id: string, options: Common) =>
  withClient(async (client) => {
    const wasListed = await client.customers.allowContact(id);
    const outcome = wasListed ? 'its contact may be mailed again' : 'its contact was not on a list';
    print(options, { report: id, wasListed }, `${id}: ${outcome}.`);
  });

type Irrevocable = Common & { dryRun?: boolean; yes?: boolean };

const erase = (id: string, options: Irrevocable) =>
  withClient(async (client) => {
    const count = await client.customers.countOf(id);
    if (options.dryRun) return print(options, { customer: id, reports: count }, `${id}: ${reports(count)}, unchanged.`);
    await confirmed(options, `This removes the personal data of customer ${id} from ${reports(count)} for good.`);
    const erased = await client.customers.erase(id, user);
    print(options, { customer: id, reports: erased }, `${id}: personal data removed from ${reports(erased)}.`);
  });

const forget = ({ olderThan, ...options }: Irrevocable & { olderThan: string }) =>
  withClient(async (client) => {
    const days = wholeNumber('--older-than', olderThan);
    const count = await client.customers.countEnded(days);
    if (options.dryRun) return print(options, { reports: count }, `${reports(count)} would be changed.`);
    await confirmed(options, `This removes personal data from ${reports(count)} for good.`);
    const forgotten = await client.customers.forgetEnded(days);
    print(options, { reports: forgotten }, `Personal data removed from ${reports(forgotten)}.`);
  });

const reports = (count: number): string => (count === 1 ? '1 report' : `${count} reports`);

/** Throws `BadInput` without a terminal and `--yes`, and `StatusConflict` if the operator does not agree. */
async function confirmed({ yes }: Irrevocable, consequence: string): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new CloseoutError('BadInput', `${consequence} To do it, add --yes.`, '--yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${consequence} Continue? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CloseoutError('StatusConflict', 'Nothing was changed.');
}
