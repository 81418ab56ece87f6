/** Commands for operators: the updates of a run. */
import type { Command } from 'commander';
import { CloseoutError, hasCode, undefinedIfNoReport } from '../contract/errors.js';
import type { OperatorRequest, UpdateName } from '../contract/messages.js';
import type { RunStatus } from '../contract/reports.js';
import { commandsOf, describe, print, settled, signed, wholeNumber, withClient, type Common } from './shell.js';

interface OperateOptions extends Common {
  by: string;
  note?: string;
}

type RetryOptions = OperateOptions & { all: boolean; where?: string };
type ExtendOptions = OperateOptions & { days: string };

interface Operation {
  verb: string;
  update: UpdateName;
  description: string;
  /** Whether a status shows the result. `requestedAt`: when the operator asked for it; `before`: the status then. */
  isDone: (status: RunStatus, requestedAt: Date, before: RunStatus) => boolean;
}

const isRefusedAgain = ({ attention }: RunStatus, requestedAt: Date): boolean =>
  attention !== undefined && new Date(attention.since) >= requestedAt;

/** The step has succeeded, or was refused again. */
const isSettled = (status: RunStatus, requestedAt: Date): boolean =>
  (status.phase !== 'needsAttention' && status.phase !== 'closing') || isRefusedAgain(status, requestedAt);

const onReports: Operation[] = [
  {
    verb: 'hold',
    update: 'hold',
    description: 'do not close the report until it is released',
    isDone: ({ held }) => held,
  },
  {
    verb: 'release',
    update: 'release',
    description: 'release a held report, or close one without waiting for its customer to confirm',
    isDone: ({ held, phase }) => !held && (phase === 'open' || phase === 'surveying' || phase === 'done'),
  },
  {
    verb: 'close-by-hand',
    update: 'closeByHand',
    description: 'record that the report was closed by hand',
    isDone: isSettled,
  },
];

const onSurveys: Operation[] = [
  {
    verb: 'skip-survey',
    update: 'skipSurvey',
    description: 'close without a survey',
    isDone: ({ skipSurveyBy, survey }) => skipSurveyBy !== undefined || survey.state === 'skipped',
  },
  {
    verb: 'resend-survey',
    update: 'resendSurvey',
    description: 'send the same survey mail again',
    isDone: ({ survey }) => survey.state === 'sent',
  },
  {
    verb: 'revoke-survey',
    update: 'revokeSurvey',
    description: 'end the open survey; its link then shows that it has ended',
    isDone: ({ survey }) => survey.state !== 'sent',
  },
];

export function operateCommands(program: Command): void {
  const command = commandsOf(program.commandsGroup('Reports that need an operator:'));

  signedWithNote(command('retry [report]', 'retry the waiting or refused step at once'))
    .option('--all', 'every report that needs attention', false)
    .option('--where <filter>', 'with --all: only those that match this Temporal list filter')
    .action((id: string | undefined, options: RetryOptions) => {
      if (options.where !== undefined && !options.all)
        throw new CloseoutError('BadInput', '--where needs --all.', '--where');
      if (options.all === (id !== undefined))
        throw new CloseoutError('BadInput', 'Name a report, or give --all; not both.', 'report');
      if (id === undefined) return retryAll(options);
      return operate({ update: 'retryNow', isDone: isSettled }, id, options);
    });

  add(command, onReports);
}

export function operateSurveyCommands(program: Command): void {
  const command = commandsOf(program.commandsGroup('Surveys:'));
  add(command, onSurveys);
  signedWithNote(command('extend-survey <report>', 'give the customer more days to answer'))
    .requiredOption('--days <n>', 'how many, 1 to 90')
    .action((id: string, { days, ...options }: ExtendOptions) =>
      operate({ update: 'extendSurvey', isDone: isExtended }, id, options, { days: daysOf(days) }),
    );
}

const isExtended: Operation['isDone'] = ({ until }, _requestedAt, before) => until !== before.until;

function daysOf(text: string): number {
  const days = wholeNumber('--days', text);
  if (days < 1 || days > 90) throw new CloseoutError('BadInput', `--days must be 1 to 90, not ${text}.`, '--days');
  return days;
}

const signedWithNote = (command: Command): Command =>
  signed(command, 'author of the request').option('--note <text>', 'why');

function add(command: ReturnType<typeof commandsOf>, operations: Operation[]): void {
  for (const { verb, description, ...operation } of operations)
    signedWithNote(command(`${verb} <report>`, description)).action((id: string, options: OperateOptions) =>
      operate(operation, id, options),
    );
}

const operate = (
  { update, isDone }: Pick<Operation, 'update' | 'isDone'>,
  id: string,
  { by, note, json }: OperateOptions,
  request: Pick<OperatorRequest, 'days'> = {},
) =>
  withClient(async (client) => {
    const { now } = await import('../client/clock.js');
    const before = await client.status(id);
    const requestedAt = now();
    const accepted = await client.operate(update, id, { by, note, ...request });
    const status = await settled(client, id, (current) => isDone(current, requestedAt, before)).catch(
      undefinedIfNoReport,
    );
    if (!status) return print({ json }, accepted, `The run of ${id} has ended. There is no report ${id}.`);
    print({ json }, status, describe(status));
    // The request was accepted, but the step was refused again.
    if (isRefusedAgain(status, requestedAt)) process.exitCode = 1;
  });

const retryAll = ({ by, note, where, json }: RetryOptions) =>
  withClient(async (client) => {
    const result = await client.overview.retryAll({ by, note }, where).catch((error: unknown) => {
      if (!hasCode(error, 'BadInput')) throw error;
      throw new CloseoutError('BadInput', `--where is not a list filter of Temporal. ${error.message}`, '--where');
    });
    const { retried, failed, unreachable } = result;
    const counts = `${retried.length} retried; ${failed.length} had nothing to retry; ${unreachable.length} could not be reached.`;
    print({ json }, result, counts);
    if (unreachable.length > 0) process.exitCode = 1;
  });
