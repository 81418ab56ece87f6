/** Commands that remove personal data. */
import type { Command } from 'commander';
import { day, later } from '../policy/time.js';
import { commandsOf, print, user, wholeNumber, withClient, type Common } from './shell.js';

export function customerCommands(program: Command): void {
  const command = commandsOf(program);

  command('erase <customer>', "remove a customer's name, addresses and words; scores and opt-outs stay").action(erase);

  command('forget', 'remove personal data from old reports, as the daily job does')
    .requiredOption('--older-than <days>', 'days since the report ended')
    .action(forget);
}

const erase = (id: string, options: Common) =>
  withClient(async (client) => {
    const reports = await client.customers.erase(id, user);
    print(options, { customer: id, reports }, `${id}: personal data removed from ${reports} reports.`);
  });

const forget = ({ olderThan, json }: Common & { olderThan: string }) =>
  withClient(async (client) => {
    const before = later(new Date(), -wholeNumber('--older-than', olderThan) * day);
    const reports = await client.customers.forgetEndedBefore(before);
    print({ json }, { reports }, `Personal data removed from ${reports} reports.`);
  });
