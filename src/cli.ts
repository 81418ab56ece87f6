#!/usr/bin/env node
/** The command `closeout`. Exit code 0: done; 1: refused or failed; 2: wrong usage. */
import Table from 'cli-table3';
import { Command, CommanderError } from 'commander';
import { policyCommands } from './cli/policy.js';
import { commandsOf, isTemporary, print, wholeNumber, withClient, type Common } from './cli/shell.js';
import { surveyCommands } from './cli/surveys.js';
import { CloseoutError } from './contract/errors.js';
import type { UpdateName } from './contract/messages.js';
import type { Report, RunStatus } from './contract/reports.js';

const program = new Command('closeout')
  .description('Closes customer problem reports durably (TM Forum eTOM 1.3.7.4).')
  .exitOverride()
  .showHelpAfterError('(closeout --help shows every command)');

const command = commandsOf(program);
surveyCommands(program);
policyCommands(program);

command('open', 'open a problem report')
  .option('--id <id>', 'report id; made up when not given')
  .requiredOption('--description <text>', 'what is wrong')
  .option('--severity <word>', 'as in TMF621', 'minor')
  .option('--type <word>', 'ticket type as in TMF621', 'fault')
  .option('--customer <id>', 'customer id')
  .option('--service-problem <id>', 'id of the common fault behind it')
  .option('--name <text>', "the contact's name")
  .option('--email <address>', "the contact's mail address")
  .option('--language <tag>', "the contact's language, such as de")
  .option('--time-zone <zone>', "the contact's IANA time zone")
  .option('--at <time>', 'when it was opened, ISO 8601')
  .action((options: OpenOptions) =>
    withClient(async (client) => {
      const { parse, emailAddress } = await import('./gateway/tickets.js');
      if (options.email !== undefined) parse(emailAddress, options.email, 'email');
      const { name, email, timeZone, language } = options;
      const contact = { name, emailAddress: email, timeZone, preferredLanguage: language };
      const report = await client.open({
        id: options.id,
        description: options.description,
        severity: options.severity,
        ticketType: options.type,
        customerId: options.customer,
        serviceProblemId: options.serviceProblem,
        openedAt: options.at,
        ...(name || email ? { contact } : {}),
      });
      print(options, report, `${report.id} is open.`);
    }),
  );

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

const changes = [
  ['clear', 'the fault is gone: close the report and ask the customer'],
  ['reopen', 'the fault is back or was not gone: start the next cycle'],
  ['cancel', 'the report was raised in error: end it without a survey'],
] as const;
for (const [verb, description] of changes) {
  command(`${verb} <report>`, description)
    .option('--at <time>', 'when it happened, ISO 8601; now when not given')
    .option('--by <who>', 'who says so')
    .option('--reason <text>', 'why')
    .action((id: string, { at, by, reason, json }: ChangeOptions) =>
      withClient(async (client) => {
        const report = await client[verb](id, { at, by, reason });
        print(
          { json },
          report,
          `${id}: told. It was ${report.status} in cycle ${report.cycle} just now; "closeout status ${id}" follows it.`,
        );
      }),
    );
}

command('status <report>', 'where a report stands and what it waits for').action((id: string, options: Common) =>
  withClient(async (client) => {
    const status = await client.status(id);
    print(options, status, describe(status));
  }),
);

command('list', 'reports, newest first')
  .option('--status <status>', 'only those with this TMF621 status')
  .option('--limit <n>', 'how many', '50')
  .action((options: Common & { status?: string; limit: string }) =>
    withClient(async (client) => {
      const { status, limit } = options;
      const { reports, total } = await client.list({
        filter: status ? { status } : {},
        limit: wholeNumber('--limit', limit),
      });
      print(options, reports, tableOf(reports) + `\n${reports.length} of ${total}`);
    }),
  );

const operations: [string, UpdateName, string][] = [
  ['retry', 'retryNow', 'try the waiting or refused step again at once'],
  ['hold', 'hold', 'do not close the report until it is released'],
  ['release', 'release', 'let a report go on that is held, or waits for its customer to confirm'],
  ['skip-survey', 'skipSurvey', 'close without asking the customer'],
  ['resend-survey', 'resendSurvey', 'send the same survey mail once more'],
  ['revoke-survey', 'revokeSurvey', 'end the open survey: its link then says so'],
  ['extend-survey', 'extendSurvey', 'let the customer answer for --days more days'],
  ['close-by-hand', 'closeByHand', 'record that the report was closed by hand'],
];
for (const [verb, update, description] of operations) {
  const operation = command(`${verb} ${verb === 'retry' ? '[report]' : '<report>'}`, description)
    .option('--by <who>', 'who asks', process.env['USER'] ?? 'cli')
    .option('--note <text>', 'why');
  if (verb === 'extend-survey') operation.option('--days <n>', 'how many more, 1 to 90');
  if (verb === 'retry')
    operation
      .option('--all', 'every report that needs attention')
      .option('--where <query>', "with --all: only those, in the words of Temporal's search");
  operation.action((id: string | undefined, options: OperateOptions) =>
    withClient(async (client) => {
      const { by, note, days, all, where } = options;
      if (verb === 'retry' && all) {
        const { retried, failed } = await client.retryAll(by, where);
        return print(
          options,
          { retried, failed },
          `${retried.length} asked to try again, ${failed.length} went on meanwhile.`,
        );
      }
      if (id === undefined) throw new CloseoutError('BadInput', 'Name a report, or say --all.', 'report');
      if (verb === 'extend-survey' && days === undefined)
        throw new CloseoutError('BadInput', 'Say how many days more: --days, 1 to 90.', '--days');
      const more = days === undefined ? {} : { days: wholeNumber('--days', days) };
      const status = await client.operate(update, id, { by, ...(note ? { note } : {}), ...more });
      // The run has noted it and acts on it now.
      print(options, status, `${id}: told. When it was:\n${describe(status)}`);
    }),
  );
}

interface OperateOptions extends Common {
  by: string;
  note?: string;
  days?: string;
  all?: boolean;
  where?: string;
}

command('clear-problem <serviceProblem>', 'the common fault behind many reports is gone: clear them all')
  .option('--at <time>', 'when it was gone, ISO 8601')
  .option('--by <who>', 'who says so', process.env['USER'] ?? 'cli')
  .option('--rate <n>', 'reports a second, 1 to 500', '50')
  .option('--no-wait', 'do not wait until all are told')
  .action((id: string, options: Common & { at?: string; by: string; rate: string; wait: boolean }) =>
    withClient(async (client) => {
      const { at, by, wait, rate } = options;
      const perSecond = wholeNumber('--rate', rate);
      await client.clearProblem({ serviceProblemId: id, by, perSecond, ...(at ? { at } : {}) });
      const { followMassClear } = await import('./incident-log/replay.js');
      const progress = await (wait ? followMassClear(client, id) : client.problemProgress(id));
      const refused = progress.failed.map(({ reportId, failure }) => `  ${reportId}: ${failure}`);
      const words = `${id}: ${progress.cleared} told, ${progress.closed} closed, ${refused.length} refused`;
      print(options, progress, [words, ...refused].join('\n'));
      if (wait && refused.length > 0) process.exitCode = 1;
    }),
  );

command('watch', 'look at every report now, and tell the runs what they missed').action((options: Common) =>
  withClient(async (client) => {
    const result = await client.watch();
    const told = Object.entries(result.told).map(([change, count]) => `${count} ${change}`);
    const missed = told.length > 0 ? `told: ${told.join(', ')}` : 'nothing was missed';
    print(options, result, `${result.reports} reports looked at; ${missed}; ${result.failed} runs could not be told.`);
    if (result.failed > 0) process.exitCode = 1;
  }),
);

command('replay <file>', 'drive a file of status histories through the public API').action(
  (file: string, options: Common) =>
    withClient(async (client) => {
      const { replay, summaryTable } = await import('./incident-log/replay.js');
      const summary = await replay(client, file);
      print(options, summary, summaryTable(summary));
    }),
);

program
  .command('start')
  .description('run everything on this machine (npm start)')
  .action(async () => {
    const { start } = await import('./start.js');
    await start(process.env, (line) => process.stdout.write(`${line}\n`));
  });

for (const name of ['worker', 'gateway'] as const) {
  program
    .command(name)
    .description(name === 'worker' ? 'run a process for workflows and activities' : 'run a process that answers HTTP')
    .action(async () => {
      const [{ loadConfig }, { openLog }] = await Promise.all([import('./setup/config.js'), import('./setup/log.js')]);
      const run =
        name === 'worker' ? (await import('./worker.js')).runWorker : (await import('./gateway.js')).runGateway;
      const orphaned = () => process.kill(process.pid, 'SIGTERM'); // the start that began us is gone
      process.once('disconnect', orphaned);
      try {
        await run(loadConfig(), openLog(name), () => process.send?.('ready'));
      } finally {
        process.off('disconnect', orphaned);
        if (process.connected) process.disconnect(); // or the channel keeps us alive
      }
    });
}

function describe({ reportId, phase, cycle, waitingFor, until, survey, attention }: RunStatus): string {
  return [
    `${reportId}: ${phase}, cycle ${cycle}`,
    `waits for: ${waitingFor}${until ? `, until ${until}` : ''}`,
    `survey: ${survey.state}${survey.reason ? ` (${survey.reason})` : ''}`,
    ...(attention ? [`needs attention since ${attention.since}: ${attention.step} - ${attention.failure}`] : []),
  ].join('\n');
}

function tableOf(reports: Report[]): string {
  const table = new Table({
    head: ['report', 'status', 'cycle', 'customer', 'opened', 'closed'],
    style: { head: [], border: [] },
  });
  for (const { id, status, cycle, customerId, openedAt, closedAt } of reports) {
    table.push([id, status, cycle, customerId ?? '', openedAt, closedAt ?? '']);
  }
  return table.toString();
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has said why
  if (error instanceof CloseoutError) {
    process.stderr.write(`closeout: ${error.message}\n`);
    return isTemporary(error) ? 75 : error.code === 'BadInput' ? 2 : 1;
  }
  process.stderr.write(`closeout: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return error instanceof Error && isTemporary(error) ? 75 : 1;
}
