/** Commands about events: listeners and deliveries. */
import type { Command } from 'commander';
import type { ListenerStatus } from '../contract/events.js';
import { commandsOf, print, timeOption, withClient, type Common } from './shell.js';
import { age, table } from './terminal.js';

export function eventCommands(program: Command): void {
  const events = program
    .commandsGroup('Events:')
    .command('events')
    .description('listeners of events, and deliveries to them (docs/events.md)');
  const command = commandsOf(events);

  command('list', 'list the listeners and how many events wait for each').action((options: Common) =>
    withClient(async (client) => {
      const listeners = await client.events.listeners();
      print(options, listeners, listeners.length === 0 ? 'There are no listeners.' : listenerTable(listeners));
    }),
  );

  command('replay', 'deliver the events since a given time again')
    .requiredOption('--since <time>', 'ISO 8601; events are kept for 30 days')
    .option('--listener <name>', 'to this listener only')
    .action(replay);

  command('resume <listener>', 'try a parked listener again').action((listener: string, options: Common) =>
    withClient(async (client) => {
      await client.events.resume(listener);
      print(options, { listener }, `${listener}: delivery is resumed.`);
    }),
  );
}

const replay = ({ since, listener, json }: Common & { since: string; listener?: string }) =>
  withClient(async (client) => {
    const events = await client.events.replay(timeOption('--since', since), listener);
    print({ json }, { events }, `${events} events will be delivered again.`);
  });

function listenerTable(listeners: ListenerStatus[]): string {
  const rows = listeners.map(({ name, kind, waiting, failingSince, parkedAt, reason }) => [
    name,
    kind,
    `${waiting}`,
    stateOf(failingSince, parkedAt),
    reason ?? '',
  ]);
  return table(['LISTENER', 'KIND', 'WAITING', 'STATE', 'REASON'], rows);
}

function stateOf(failingSince: string | undefined, parkedAt: string | undefined): string {
  if (parkedAt) return `parked for ${age(parkedAt)}`;
  return failingSince ? `failing for ${age(failingSince)}` : 'ok';
}
