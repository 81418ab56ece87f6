/** Commands about tokens of the HTTP API. */
import type { Command } from 'commander';
import { scopes } from '../contract/access.js';
import { commandsOf, print, withClient, wordOption, type Common } from './shell.js';
import { localTime, table } from './terminal.js';

export function tokenCommands(program: Command): void {
  const tokens = program
    .commandsGroup('API access:')
    .command('tokens')
    .description('tokens of the HTTP API, one per program or operator');
  const command = commandsOf(tokens);

  command('create <name>', 'print a new token; history and timeline show its name')
    .requiredOption('--scope <scopes>', `one or more of ${scopes.join(', ')}, separated by commas`)
    .action(create);

  command('list', 'list the tokens, and when each was last used').action((options: Common) =>
    withClient(async (client) => {
      const all = await client.tokens.list();
      const rows = all.map(({ name, scopes: may, createdAt, lastUsedAt }) => [
        name,
        may.join(', '),
        localTime(createdAt),
        lastUsedAt ? localTime(lastUsedAt) : 'never',
      ]);
      print(
        options,
        all,
        all.length > 0 ? table(['NAME', 'SCOPES', 'CREATED', 'LAST USED'], rows) : 'There are no tokens.',
      );
    }),
  );

  command('revoke <name>', 'revoke a token').action((name: string, options: Common) =>
    withClient(async (client) => {
      await client.tokens.revoke(name);
      print(options, { revoked: name }, `${name}: revoked.`);
    }),
  );

  command('end-sessions <name>', 'end all desk sessions of a user').action((name: string, options: Common) =>
    withClient(async (client) => {
      const ended = await client.sessions.endAllOf(name);
      print(options, { name, ended }, `${name}: ${ended} ${ended === 1 ? 'session' : 'sessions'} ended.`);
    }),
  );
}

const create = (name: string, { scope, ...options }: Common & { scope: string }) =>
  withClient(async (client) => {
    const wanted = scope.split(',').flatMap((word) => wordOption('--scope', word.trim(), scopes) ?? []);
    const token = await client.tokens.create(name, wanted);
    print(options, { name, scopes: wanted, token }, token);
  });
