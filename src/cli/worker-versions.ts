/** Commands that roll out a release. */
import type { Command } from 'commander';
import { CloseoutError } from '../contract/errors.js';
import { commandsOf, print, wholeNumber, withClient, type Common } from './shell.js';
import { localTime, table } from './terminal.js';

export function workerVersionCommands(program: Command): void {
  const command = commandsOf(program);

  command('versions', 'list the versions of the workers, and which of them gets the runs').action((options: Common) =>
    withClient(async (client) => {
      const all = await client.workerVersions.list();
      const rows = all.map(({ buildId, state, percentage, createdAt }) => [
        buildId,
        percentage === undefined ? state : `${state}, ${percentage} %`,
        localTime(createdAt),
      ]);
      const none = 'There are no worker versions. To use them, set CLOSEOUT_WORKER_VERSIONING=yes.';
      print(options, all, all.length > 0 ? table(['VERSION', 'STATE', 'CREATED'], rows) : none);
    }),
  );

  command(
    'rollout <version>',
    'route all runs, or a percentage of them, to a worker version; to roll back, name an older one',
  )
    .option('--percent <number>', 'of the runs, from 0 to 100', '100')
    .action((version: string, { percent, ...options }: Common & { percent: string }) =>
      withClient(async (client) => {
        const percentage = wholeNumber('--percent', percent);
        if (percentage > 100)
          throw new CloseoutError('BadInput', '--percent must be a whole number from 0 to 100.', '--percent');
        await client.workerVersions.rollOut(version, percentage);
        print(options, { version, percentage }, `${version} gets ${percentage} % of the runs.`);
      }),
    );
}
