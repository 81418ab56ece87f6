/** Commands that remove personal data. */
import Table from 'cli-table3';
import type { Command } from 'commander';
import { day, later } from '../policy/time.js';
import { commandsOf, print, user, wholeNumber, withClient, type Common } from './shell.js';

export function customerCommands(program: Command): void {
  const command = commandsOf(program);

  command('erase <customer>', "remove a customer's name, addresses and words; scores and opt-outs stay").action(erase);

  command('forget', 'remove personal data from old reports, as the daily job does')
    .requiredOption('--older-than <days>', 'days since the report ended')
    .action(forget);

  command('do-not-contact', 'who must not be mailed: opt-outs and suppressed addresses, newest first')
    .option('--limit <n>', 'how many', '50')
    .action(doNotContact);

  command('allow-contact <report>', "take the address of a report's contact off these lists").action(allowContact);
}

const doNotContact = ({ limit, json }: Common & { limit: string }) =>
  withClient(async (client) => {
    const entries = await client.customers.doNotContact(wholeNumber('--limit', limit));
    const table = new Table({ head: ['report', 'why', 'reason', 'source', 'since'], style: { head: [], border: [] } });
    for (const { reportId, kind, reason, source, at } of entries)
      table.push([reportId ?? '', kind, reason ?? '', source, at.toISOString()]);
    print({ json }, entries, entries.length > 0 ? table.toString() : 'Everybody may be mailed.');
  });

const allowContact = (id: string, options: Common) =>
  withClient(async (client) => {
    const wasListed = await client.customers.allowContact(id);
    const outcome = wasListed ? 'its contact may be mailed again' : 'its contact was on no list';
    print(options, { report: id, wasListed }, `${id}: ${outcome}.`);
  });

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
