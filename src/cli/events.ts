/** Commands about events: who is notified, and once more. */
import type { Command } from 'commander';
import type { ListenerStatus } from '../contract/events.js';
import { CloseoutError } from '../contract/errors.js';
import { print, timeOption, withClient, type Common } from './shell.js';
import { age, table } from './terminal.js';

export function eventCommands(program: Command): void {
  const events = program
    .commandsGroup('Events:')
    .command('events')
    .description('who is notified of what happens (docs/events.md)');
  const command = (spec: string, description: string) =>
    events.command(spec).description(description).option('--json', 'print JSON');

  command('list', 'every listener, and what waits for it').action((options: Common) =>
    withClient(async (client) => {
      const listeners = await client.events.listeners();
      print(options, listeners, listeners.length === 0 ? 'Nobody is notified.' : listenerTable(listeners));
    }),
  );

  command('replay', 'deliver events since a time once more')
    .requiredOption('--since <time>', 'ISO 8601; events are kept for 30 days')
    .option('--listener <name>', 'to this listener only')
    .action(replay);

  command('resume <listener>', 'try a parked listener again').action((listener: string, options: Common) =>
    withClient(async (client) => {
      await client.events.resume(listener);
      print(options, { listener }, `${listener}: its events are delivered again.`);
    }),
  );
}

const replay = ({ since, listener, json }: Common & { since: string; listener?: string }) =>
  withClient(async (client) => {
    const time = timeOption('--since', since);
    if (time === undefined) throw new CloseoutError('BadInput', '--since is missing.', '--since');
    const events = await client.events.replay(time, listener);
    print({ json }, { events }, `${events} events are delivered once more.`);
  });

function listenerTable(listeners: ListenerStatus[]): string {
  const rows = listeners.map(({ name, kind, waiting, failingSince, parkedAt, reason }) => [
    name,
    kind,
    `${waiting}`,
    stateOf(failingSince, parkedAt),
    reason ?? '',
  ]);
  return table(['listener', 'kind', 'waiting', 'state', 'reason'], rows);
}

function stateOf(failingSince: string | undefined, parkedAt: string | undefined): string {
  if (parkedAt) return `parked for ${age(parkedAt)}`;
  return failingSince ? `failing for ${age(failingSince)}` : 'fine';
}
