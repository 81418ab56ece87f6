/** Commands that run the processes of Closeout. */
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { commandsOf, print, withClient, type Common } from './shell.js';

export function processCommands(program: Command): void {
  program
    .commandsGroup('Running Closeout:')
    .command('start')
    .description('run everything on this machine (npm start)')
    .option('--cluster', "with Temporal's server on PostgreSQL, two workers and two gateways (npm run cluster)", false)
    .action(async ({ cluster }: { cluster: boolean }) => {
      const { start } = await import('../start.js');
      await start(process.env, (line) => process.stdout.write(`${line}\n`), cluster);
    });

  program
    .command('worker')
    .description('run a worker: the process that executes workflows and activities')
    .action(async () => {
      const [{ loadWorkerConfig }, { runWorker }] = await Promise.all([
        import('../setup/config.js'),
        import('../worker.js'),
      ]);
      await runProcess('worker', (log, onReady) => runWorker(loadWorkerConfig(), log, onReady));
    });

  program
    .command('gateway')
    .description('run a gateway: the process that serves HTTP')
    .action(async () => {
      const [{ loadGatewayConfig }, { runGateway }] = await Promise.all([
        import('../setup/config.js'),
        import('../gateway.js'),
      ]);
      await runProcess('gateway', (log, onReady) => runGateway(loadGatewayConfig(), log, onReady));
    });

  commandsOf(program)(
    'migrate',
    'bring the database up to date: once per release, before the new processes start',
  ).action(migrate);

  commandsOf(program)('watch', 'sweep now: find reports with a problem, and wake their runs').action(watch);
}

async function migrate(options: Common): Promise<void> {
  const [{ loadDatabaseUrl }, database] = await Promise.all([
    import('../setup/config.js'),
    import('../client/database.js'),
  ]);
  const applied = await database.migrate(loadDatabaseUrl());
  print(options, { applied }, applied.length > 0 ? `Applied: ${applied.join(', ')}.` : 'The database is up to date.');
}

const watch = (options: Common) =>
  withClient(async (client) => {
    const result = await client.overview.sweep();
    const { notified, failed, stuck } = result;
    const woken = Object.entries(notified).map(([kind, count]) => `${count} ${kind}`);
    const found = woken.length > 0 ? `Woken: ${woken.join(', ')}.` : 'No problems found.';
    const problems = [failed > 0 && `${failed} could not be woken.`, stuck > 0 && `${stuck} are stuck.`].filter(
      Boolean,
    );
    print(options, result, [found, ...problems].join(' '));
    if (failed > 0) process.exitCode = 1;
  });

type Run = (log: Logger, onReady: () => void) => Promise<void>;

/** Ends with the `npm start` that started it, if any. */
async function runProcess(name: string, run: Run): Promise<void> {
  const [{ openLog }, { unknownSettings }] = await Promise.all([
    import('../setup/log.js'),
    import('../setup/config.js'),
  ]);
  const stop = () => process.kill(process.pid, 'SIGTERM');
  // npm and the terminal may both send the signal. The second must not interrupt the shutdown that the first began.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  process.once('disconnect', stop);
  try {
    const log = openLog(name);
    const unknown = unknownSettings();
    if (unknown.length > 0) log.warn({ unknown }, 'these environment variables are not settings of Closeout');
    await run(log, () => process.send?.('ready'));
  } finally {
    process.off('disconnect', stop);
    if (process.connected) process.disconnect(); // otherwise the channel keeps the process alive
  }
}
