/** Commands about reports: open them, report what happened to them, show their state. */
import Table from 'cli-table3';
import type { Command } from 'commander';
import type { Report } from '../contract/reports.js';
import { commandsOf, describe, print, user, wholeNumber, withClient, type Common } from './shell.js';

interface OpenOptions extends Common {
  id?: string;
  description: string;
  severity: string;
  type: string;
  customer?: string;
  serviceProblem?: string;
  name?: string;
  email?: string;
  timeZone?: string;
  language?: string;
  at?: string;
}

interface ChangeOptions extends Common {
  at?: string;
  by?: string;
  reason?: string;
}

type ClearProblemOptions = Common & { at?: string; by: string; rate?: string; wait: boolean };

const changes = [
  ['clear', 'the fault is gone: close the report and ask the customer'],
  ['reopen', 'the fault is back or was not gone: start the next cycle'],
  ['cancel', 'the report was raised in error: end it without a survey'],
] as const;

export function reportCommands(program: Command): void {
  const command = commandsOf(program);

  command('open', 'open a problem report')
    .option('--id <id>', 'report id; generated if absent')
    .requiredOption('--description <text>', 'what is wrong')
    .option('--severity <word>', 'as in TMF621', 'minor')
    .option('--type <word>', 'ticket type as in TMF621', 'fault')
    .option('--customer <id>', 'customer id')
    .option('--service-problem <id>', 'id of the common fault behind it')
    .option('--name <text>', "the contact's name")
    .option('--email <address>', "the contact's mail address")
    .option('--language <tag>', "the contact's language, such as de")
    .option('--time-zone <zone>', "the contact's IANA time zone")
    .option('--at <time>', 'when it was opened, ISO 8601; now if absent')
    .action(open);

  for (const [verb, description] of changes)
    command(`${verb} <report>`, description)
      .option('--at <time>', 'when it happened, ISO 8601; now if absent')
      .option('--by <who>', 'who reports it')
      .option('--reason <text>', 'why')
      .action((id: string, options: ChangeOptions) => change(verb, id, options));

  command('status <report>', 'the phase of a report and what it waits for').action((id: string, options: Common) =>
    withClient(async (client) => {
      const status = await client.status(id);
      print(options, status, describe(status));
    }),
  );

  command('list', 'reports, newest first')
    .option('--status <status>', 'only those with this TMF621 status')
    .option('--limit <n>', 'how many', '50')
    .action(list);

  command('clear-problem <serviceProblem>', 'the common fault behind many reports is fixed: clear them all')
    .option('--at <time>', 'when it was fixed, ISO 8601; now if absent')
    .option('--by <who>', 'who reports it', user)
    .option('--rate <n>', 'at most so many reports per second, 1 to 500; as many as the workers sustain if absent')
    .option('--no-wait', 'do not wait until all are cleared')
    .action(clearProblem);

  command('watch', 'look for reports with which something is wrong, now, and wake their runs').action(watch);

  command('replay <file>', 'drive a log of incidents through the public API').action((file: string, options: Common) =>
    withClient(async (client) => {
      const { replay, summaryTable } = await import('../incident-log/replay.js');
      const summary = await replay(client, file);
      print(options, summary, summaryTable(summary));
    }),
  );
}

const open = (options: OpenOptions) =>
  withClient(async (client) => {
    const { name, email, timeZone, language } = options;
    const contact = { name, emailAddress: email, timeZone, preferredLanguage: language };
    const hasContact = Object.values(contact).some((detail) => detail !== undefined);
    const report = await client.open({
      id: options.id,
      description: options.description,
      severity: options.severity,
      ticketType: options.type,
      customerId: options.customer,
      serviceProblemId: options.serviceProblem,
      openedAt: options.at,
      contact: hasContact ? contact : undefined,
    });
    print(options, report, `${report.id} is open.`);
  });

const change = (verb: 'clear' | 'reopen' | 'cancel', id: string, { at, by, reason, json }: ChangeOptions) =>
  withClient(async (client) => {
    const { report, isApplied } = await client[verb](id, { at, by, reason });
    const { status, cycle } = report;
    const outcome = isApplied ? 'recorded' : 'accepted, but not applied yet';
    print({ json }, report, `${id}: ${outcome}; status ${status}, cycle ${cycle}. To follow it: closeout status ${id}`);
  });

const list = (options: Common & { status?: string; limit: string }) =>
  withClient(async (client) => {
    const filter: Record<string, string> = options.status === undefined ? {} : { status: options.status };
    const { reports, total } = await client.list({ filter, limit: wholeNumber('--limit', options.limit) });
    print(options, reports, tableOf(reports) + `\n${reports.length} of ${total}`);
  });

const clearProblem = (id: string, { at, by, wait, rate, json }: ClearProblemOptions) =>
  withClient(async (client) => {
    const perSecond = rate === undefined ? undefined : wholeNumber('--rate', rate);
    await client.serviceProblems.clear({ serviceProblemId: id, at, by, perSecond });
    const { followMassClear } = await import('./progress.js');
    const progress = await (wait ? followMassClear(client, id) : client.serviceProblems.progress(id));
    const { cleared, closed, failed, failedCount, later } = progress;
    const notCleared = failed.map(({ reportId, failure }) => `  ${reportId}: ${failure}`);
    const summary = `${id}: ${cleared} cleared, ${closed} closed, ${failedCount} not cleared`;
    const opened = `${later.count} were opened or reopened later and stay open: ${later.ids.join(', ')}`;
    print({ json }, progress, [summary, ...notCleared, ...(later.count > 0 ? [opened] : [])].join('\n'));
    if (wait && failedCount > 0) process.exitCode = 1;
  });

const watch = (options: Common) =>
  withClient(async (client) => {
    const result = await client.overview.sweep();
    const { notified, failed, stuck } = result;
    const woken = Object.entries(notified).map(([kind, count]) => `${count} ${kind}`);
    const found = woken.length > 0 ? `Runs woken: ${woken.join(', ')}` : 'Nothing was wrong';
    print(options, result, `${found}; ${failed} could not be woken; ${stuck} are stuck.`);
    if (failed > 0) process.exitCode = 1;
  });

function tableOf(reports: Report[]): string {
  const table = new Table({
    head: ['report', 'status', 'cycle', 'customer', 'opened', 'closed'],
    style: { head: [], border: [] },
  });
  for (const { id, status, cycle, customerId, openedAt, closedAt } of reports)
    table.push([id, status, cycle, customerId ?? '', openedAt, closedAt ?? '']);
  return table.toString();
}
