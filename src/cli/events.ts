/** Commands about events: listeners and deliveries. */
import type { Command } from 'commander';
import type { ListenerStatus } from '../contract/events.js';
import { CloseoutError } from '../contract/errors.js';
import { print, timeOption, withClient, type Common } from './shell.js';
import { age, table } from './terminal.js';

export function eventCommands(program: Command): void {
  const events = program
    .commandsGroup('Events:')
    .command('events')
    .description('listeners of events, and deliveries to them (docs/events.md)');
  const command = (spec: string, description: string) =>
    events.command(spec).description(description).option('--json', 'print JSON');

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
    const time = timeOption('--since', since);
    if (time === undefined) throw new CloseoutError('BadInput', '--since is missing.', '--since');
    const events = await client.events.replay(time, listener);
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
  return table(['listener', 'kind', 'waiting', 'state', 'reason'], rows);
}

function stateOf(failingSince: string | undefined, parkedAt: string | undefined): string {
  if (parkedAt) return `parked for ${age(parkedAt)}`;
  return failingSince ? `failing for ${age(failingSince)}` : 'ok';
}
