/** Commands about the policy: is it right, which rule fits, what would it have done. */
import type { Command } from 'commander';
import { commandsOf, print, withClient, type Common } from './shell.js';

export function policyCommands(program: Command): void {
  const command = commandsOf(program);

  const policies = program.command('policy').description('the policy file (docs/policy.md)');
  policies
    .command('check <file>')
    .description('say whether a policy file is right, and if not, which line')
    .action(async (path: string) => {
      const { loadPolicy } = await import('../setup/policy-file.js');
      loadPolicy(path);
      process.stdout.write(`${path} is right.\n`);
    });
  policies
    .command('explain <report>')
    .description('which rule fits a report, and why')
    .option('--policy <file>', 'instead of CLOSEOUT_POLICY')
    .option('--json', 'print JSON')
    .action((id: string, { policy, json }: Common & { policy?: string }) =>
      withClient(async (client) => {
        const [{ explainPolicy }, { loadConfig }] = await Promise.all([
          import('../setup/policy-file.js'),
          import('../setup/config.js'),
        ]);
        const explained = explainPolicy(policy ?? loadConfig().policyFile, await client.reports.get(id));
        const looked = explained.looked.map(({ rule, line, differs }) =>
          differs.length > 0
            ? `rule ${rule} (line ${line}) does not fit: ${differs.join('; ')}`
            : `rule ${rule} (line ${line}) fits`,
        );
        const chosen =
          explained.rule === null ? 'No rule fits, so the default counts.' : `Rule ${explained.rule} counts.`;
        const note = 'A cycle that has begun keeps the policy it began with.';
        print({ json }, explained, [...looked, chosen, JSON.stringify(explained.policy, null, 2), note].join('\n'));
      }),
    );

  command('rehearse <file>', 'what a policy would have done with recorded histories, compared with the current one')
    .option('--policy <file>', 'the policy to rehearse')
    .option('--at-once', 'as if all happened within one moment, as "replay" does it')
    .action(
      async (history: string, { policy, atOnce = false, json }: Common & { policy?: string; atOnce?: boolean }) => {
        const [{ readHistories }, { loadPolicy }, { comparisonTable, rehearse }] = await Promise.all([
          import('../incident-log/read.js'),
          import('../setup/policy-file.js'),
          import('../incident-log/rehearse.js'),
        ]);
        const policyFor = loadPolicy(policy);
        const currently = loadPolicy(process.env['CLOSEOUT_POLICY'] || undefined);
        const histories = await readHistories(history);
        const [current, rehearsed] = [
          rehearse(histories, currently, { atOnce }),
          rehearse(histories, policyFor, { atOnce }),
        ];
        print({ json }, { current, rehearsed }, comparisonTable(current, rehearsed));
      },
    );
}
