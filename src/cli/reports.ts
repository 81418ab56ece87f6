/** Commands about reports: open them, report what happened to them, show their state. */
import type { Command } from 'commander';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import { listedPhases, reportStatuses, type Report } from '../contract/reports.js';
import { stateInWords } from '../policy/state-in-words.js';
import { stateOf } from '../policy/status.js';
import {
  commandsOf,
  describe,
  print,
  settled,
  timeOption,
  signed,
  wholeNumber,
  withClient,
  wordOption,
  type Common,
} from './shell.js';
import { age, localTime, table } from './terminal.js';

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
  by?: string;
}

interface ChangeOptions extends Common {
  at?: string;
  by?: string;
  reason?: string;
}

type ClearProblemOptions = Common & { at?: string; by: string; rate?: string; wait: boolean };

interface ListOptions extends Common {
  phase?: string;
  status?: string;
  attention?: boolean;
  held?: boolean;
  customer?: string;
  serviceProblem?: string;
  search?: string;
  olderThan?: string;
  limit: string;
}

type Verb = 'clear' | 'reopen' | 'cancel';

const changes: [verb: Verb, description: string][] = [
  ['clear', 'the fault is gone: close the report and ask the customer'],
  ['reopen', 'the fault is back or was not gone: start the next cycle'],
  ['cancel', 'the report was raised in error: end it without a survey'],
];

export function reportCommands(program: Command): void {
  const command = commandsOf(program.commandsGroup('Reports:'));

  signed(command('open', 'open a problem report'), 'who opens it')
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

  command('list', 'reports, newest first; tab-separated in a pipe')
    .option('--phase <phase>', listedPhases.join(', '))
    .option('--status <status>', 'TMF621 status; several, separated by commas')
    .option('--attention', 'only those that need an operator')
    .option('--held', 'only those that are held')
    .option('--customer <id>', 'only those of this customer')
    .option('--service-problem <id>', 'only those of this common fault')
    .option('--search <text>', 'an id or its beginning, an external id, a customer or a service problem')
    .option('--older-than <days>', 'opened at least this many days ago')
    .option('--limit <n>', 'how many', '50')
    .action(list);

  command('status <report>', 'the state of a report, and what can be done').action((id: string, options: Common) =>
    withClient(async (client) => {
      const status = await client.status(id);
      print(options, status, describe(status));
    }),
  );

  command('timeline <report>', 'everything that happened to a report, and what its customer said').action(timeline);

  for (const [verb, description] of changes)
    signed(command(`${verb} <report>`, description), 'who reports it')
      .option('--at <time>', 'when it happened, ISO 8601; now if absent')
      .option('--reason <text>', 'why')
      .action((id: string, options: ChangeOptions) => change(verb, id, options));

  signed(
    command('clear-problem <serviceProblem>', 'the common fault behind many reports is fixed: clear them all'),
    'who reports it',
  )
    .option('--at <time>', 'when it was fixed, ISO 8601; now if absent')
    .option('--rate <n>', 'at most this many reports per second, 1 to 500; by default, as many as the workers sustain')
    .option('--no-wait', 'do not wait until all are cleared')
    .action(clearProblem);
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
      openedAt: timeOption('--at', options.at),
      openedBy: options.by,
      contact: hasContact ? contact : undefined,
    });
    print(options, report, `${report.id} is open.`);
  });

const change = (verb: Verb, id: string, { at, by, reason, json }: ChangeOptions) =>
  withClient(async (client) => {
    const before = await client.get(id);
    const { report, isApplied } = await client[verb](id, { at: timeOption('--at', at), by, reason });
    print({ json }, report, await outcomeOf(client, verb, before, report, isApplied));
  });

/** The result, not the request. */
async function outcomeOf(client: CloseoutClient, verb: Verb, before: Report, report: Report, isApplied: boolean) {
  const { id, cycle, status } = report;
  if (!isApplied)
    return `${id}: accepted, but its run has not acted on it yet. To see the result: closeout status ${id}`;
  const wasSo = cycle === before.cycle && stateOf(before.status) === stateOf(status);
  if (wasSo) return `${id} is already ${inWords(report)} (cycle ${cycle}).`;
  if (verb === 'reopen') return `${id} is open again (cycle ${cycle}).`;
  if (status !== 'resolved') return `${id} is ${inWords(report)}.`;
  const settledAs = await settled(client, id, ({ phase }) => phase !== 'clearing' && phase !== 'closing');
  return describe(settledAs);
}

const inWords = ({ status }: Report): string => {
  const state = stateOf(status);
  return state === 'open' ? `open (${status})` : state;
};

const timeline = (id: string, options: Common) =>
  withClient(async (client) => {
    const { timelineText } = await import('./timeline.js');
    const entries = await client.timeline(id);
    print(options, entries, timelineText(entries));
  });

const list = ({ phase, attention, held, customer, serviceProblem, search, limit, ...options }: ListOptions) =>
  withClient(async (client) => {
    if (attention && phase !== undefined)
      throw new CloseoutError(
        'BadInput',
        '--attention selects a phase itself; give either --attention or --phase.',
        '--phase',
      );
    const { reports, total } = await client.listWithStatus({
      phase: attention ? 'needsAttention' : wordOption('--phase', phase, listedPhases),
      statuses: options.status?.split(',').flatMap((word) => wordOption('--status', word.trim(), reportStatuses) ?? []),
      held,
      customer,
      serviceProblem,
      search,
      olderThanDays: options.olderThan === undefined ? undefined : wholeNumber('--older-than', options.olderThan),
      limit: wholeNumber('--limit', limit),
    });
    const head = ['REPORT', 'PHASE', 'WAITS FOR', 'AGE', 'CUSTOMER', 'DESCRIPTION'];
    const rows = reports.map(({ report, status }) => [
      report.id,
      status.phase,
      stateInWords(status, localTime).waitsFor,
      age(report.openedAt),
      report.customerId ?? '',
      shortened(report.description),
    ]);
    const text = process.stdout.isTTY ? `${table(head, rows)}\n\n${reports.length} of ${total}` : table(head, rows);
    const isEmpty = reports.length === 0 && process.stdout.isTTY;
    print(options, reports, isEmpty ? 'No reports match.' : text);
    const lost = attention ? await client.overview.lostInAttention() : [];
    if (lost.length > 0)
      process.stderr.write(
        `Not in the database, but their runs wait for an operator (see docs/operations.md): ${lost.join(', ')}.\n`,
      );
  });

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

const clearProblem = (id: string, { at, by, wait, rate, json }: ClearProblemOptions) =>
  withClient(async (client) => {
    const perSecond = rate === undefined ? undefined : wholeNumber('--rate', rate);
    await client.serviceProblems.clear({ serviceProblemId: id, at: timeOption('--at', at), by, perSecond });
    const { followMassClear, progressNow } = await import('./progress.js');
    const progress = await (wait ? followMassClear(client, id) : progressNow(client, id));
    if (!progress)
      return print(
        { json },
        { serviceProblemId: id, done: false },
        `${id}: accepted; its reports will be cleared once a worker responds.`,
      );
    const { cleared, closed, failed, failedCount, later } = progress;
    const notCleared = failed.map(({ reportId, failure }) => `  ${reportId}: ${failure}`);
    const all = closed + progress.closing + progress.open;
    const summary = `${id}: ${closed} of ${all} reports are closed; ${cleared} were cleared now, ${failedCount} could not be cleared.`;
    const opened = `Opened or reopened later, and so still open: ${later.ids.join(', ')}${later.count > later.ids.length ? ', …' : ''}`;
    print({ json }, progress, [summary, ...notCleared, ...(later.count > 0 ? [opened] : [])].join('\n'));
    if (wait && failedCount > 0) process.exitCode = 1;
  });
