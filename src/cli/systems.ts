/** Commands about external ticket systems. */
import type { Command } from 'commander';
import { CloseoutError } from '../contract/errors.js';
import { givenIn } from '../setup/environment.js';
import { commandsOf, print, withClient, type Common } from './shell.js';
import { age, table } from './terminal.js';

export function systemCommands(program: Command): void {
  const systems = program
    .commandsGroup('Ticket systems:')
    .command('systems')
    .description('external ticket systems (docs/systems.md)');
  const command = commandsOf(systems);

  command('check [name]', 'log in, and check that the required statuses and fields exist').action(check);
  command('list', 'when each system was last polled and compared, and its last error').action((options: Common) =>
    withClient(async (client) => {
      const states = await client.systems.states();
      const rows = states.map(({ name, polledAt, comparedAt, failingSince, reason }) => [
        name,
        polledAt ? `${age(polledAt)} ago` : 'never',
        comparedAt ? `${age(comparedAt)} ago` : 'never',
        failingSince ? `failing for ${age(failingSince)}` : 'ok',
        reason ?? '',
      ]);
      const head = ['SYSTEM', 'POLLED', 'COMPARED', 'STATE', 'REASON'];
      print(options, states, rows.length === 0 ? 'No system has been polled yet.' : table(head, rows));
    }),
  );
}

async function check(name: string | undefined, options: Common): Promise<void> {
  const [{ loadSystems, whyNoTicketCanBeOpened }, { connectSystem }] = await Promise.all([
    import('../setup/systems-file.js'),
    import('../systems/adapters.js'),
  ]);
  const { systems } = loadSystems(givenIn(process.env)['CLOSEOUT_SYSTEMS']);
  if (name !== undefined && !systems.has(name))
    throw new CloseoutError(
      'BadInput',
      `There is no system ${name}; there are ${[...systems.keys()].join(', ') || 'none'}.`,
      'name',
    );
  const chosen = [...systems].filter(([id]) => name === undefined || id === name);
  const results = await Promise.all(
    chosen.map(async ([id, settings]) => ({
      system: id,
      faults: await connectSystem(id, settings).system.check().catch(inWords),
      warning: whyNoTicketCanBeOpened(settings),
    })),
  );
  const lines = results.flatMap(({ system, faults, warning }) => [
    ...(faults.length === 0 ? [`${system}: no problems found.`] : faults.map((fault) => `${system}: ${fault}`)),
    ...(warning ? [`${system}: warning: ${warning}.`] : []),
  ]);
  print(options, results, lines.join('\n') || 'CLOSEOUT_SYSTEMS names no system.');
  if (results.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

function inWords(error: unknown): string[] {
  if (error instanceof CloseoutError) return [`${error.code}: ${error.message}`];
  return ['The response is not what this adapter expects; check the type of the system.'];
}
