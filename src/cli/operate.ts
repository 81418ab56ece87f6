/** Commands for operators: the updates of a run. */
import type { Command } from 'commander';
import { CloseoutError } from '../contract/errors.js';
import type { OperatorRequest, UpdateName } from '../contract/messages.js';
import { commandsOf, describe, print, user, wholeNumber, withClient, type Common } from './shell.js';

interface OperateOptions extends Common {
  by: string;
  note?: string;
}

type RetryOptions = OperateOptions & { all?: boolean; where?: string };
type ExtendOptions = OperateOptions & { days: string };

const operations: [verb: string, update: UpdateName, description: string][] = [
  ['hold', 'hold', 'do not close the report until it is released'],
  ['release', 'release', 'release a held report, or close one without waiting for its customer to confirm'],
  ['skip-survey', 'skipSurvey', 'close without a survey'],
  ['resend-survey', 'resendSurvey', 'send the same survey mail again'],
  ['revoke-survey', 'revokeSurvey', 'end the open survey: its link then says so'],
  ['close-by-hand', 'closeByHand', 'record that the report was closed by hand'],
];

export function operateCommands(program: Command): void {
  const command = commandsOf(program);
  const operation = (spec: string, description: string) =>
    command(spec, description).option('--by <who>', 'author of the request', user).option('--note <text>', 'why');

  operation('retry [report]', 'retry the waiting or refused step at once')
    .option('--all', 'every report that needs attention')
    .option('--where <filter>', 'with --all: only those that match this Temporal list filter')
    .action((id: string | undefined, options: RetryOptions) => {
      if (options.all) return retryAll(options);
      if (id === undefined) throw new CloseoutError('BadInput', 'Name a report, or give --all.', 'report');
      return operate('retryNow', id, options);
    });

  for (const [verb, update, description] of operations)
    operation(`${verb} <report>`, description).action((id: string, options: OperateOptions) =>
      operate(update, id, options),
    );

  operation('extend-survey <report>', 'give the customer more days to answer')
    .requiredOption('--days <n>', 'how many, 1 to 90')
    .action((id: string, { days, ...options }: ExtendOptions) =>
      operate('extendSurvey', id, options, { days: wholeNumber('--days', days) }),
    );
}

const operate = (
  update: UpdateName,
  id: string,
  { by, note, json }: OperateOptions,
  request: Pick<OperatorRequest, 'days'> = {},
) =>
  withClient(async (client) => {
    const status = await client.operate(update, id, { by, note, ...request });
    // The run has accepted the update and acts on it now.
    print({ json }, status, `${id}: accepted; the status at that time:\n${describe(status)}`);
  });

const retryAll = ({ by, where, json }: RetryOptions) =>
  withClient(async (client) => {
    const result = await client.overview.retryAll(by, where);
    const { retried, failed } = result;
    print({ json }, result, `${retried.length} retried, ${failed.length} no longer needed attention.`);
  });
