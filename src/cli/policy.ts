/** Commands about the policy: check a file, explain which rule matches, forecast what it would have done. */
import type { Command } from 'commander';
import { givenIn } from '../setup/environment.js';
import { commandsOf, print, withClient, type Common } from './shell.js';
import { table } from './terminal.js';

type ExplainOptions = Common & { policy?: string };
type RehearseOptions = Common & { policy?: string; atOnce?: boolean };

export function policyCommands(program: Command): void {
  const policies = program.commandsGroup('Policy:').command('policy').description('the policy file (docs/policy.md)');

  policies
    .command('check <file>')
    .description('check a policy file; if it is invalid, name each fault and its line')
    .action(async (path: string) => {
      const { policyWarnings } = await import('../setup/policy-explanation.js');
      const folder = givenIn(process.env)['CLOSEOUT_BRANDS'];
      const warnings = policyWarnings(path, folder ? await brandsIn(folder) : undefined);
      process.stdout.write([`${path} is valid.`, ...warnings.map((warning) => `Warning: ${warning}`), ''].join('\n'));
    });

  policies
    .command('explain <report>')
    .description('which rule matches a report, and why')
    .option('--policy <file>', 'instead of CLOSEOUT_POLICY')
    .option('--json', 'print JSON')
    .action(explain);

  commandsOf(program)('rehearse <file>', 'forecast what a policy would have done, compared with the current one')
    .option('--policy <file>', 'the policy to rehearse')
    .option('--at-once', 'simulate all changes at the same moment, as "replay" does')
    .action(rehearse);

  commandsOf(program)('replay <file>', 'drive a log of incidents through the public API').action(
    (file: string, options: Common) =>
      withClient(async (client) => {
        const { replay, summaryTable } = await import('../incident-log/replay.js');
        const summary = await replay(client, file);
        print(options, summary, summaryTable(summary));
      }),
  );
}

const explain = (id: string, { policy, json }: ExplainOptions) =>
  withClient(async (client) => {
    const [{ explainPolicy }, { loadConfig }] = await Promise.all([
      import('../setup/policy-explanation.js'),
      import('../setup/config.js'),
    ]);
    const explained = explainPolicy(policy ?? loadConfig().policyFile, await client.get(id));
    const compared = explained.compared.map(({ rule, line, differs }) =>
      differs.length > 0
        ? `rule ${rule} (line ${line}) does not match: ${differs.join('; ')}`
        : `rule ${rule} (line ${line}) matches`,
    );
    const chosen =
      explained.rule === null ? 'No rule matches, so the default applies.' : `Rule ${explained.rule} applies.`;
    const settings = explained.settings.map(({ name, value, from }) => [name, value, from]);
    print({ json }, explained, [...compared, chosen, '', table(['SETTING', 'VALUE', 'FROM'], settings)].join('\n'));
  });

async function rehearse(file: string, { policy, atOnce = false, json }: RehearseOptions): Promise<void> {
  const [{ readIncidents }, { rehearse: forecast }, { loadPolicy }, { comparisonTable }] = await Promise.all([
    import('../incident-log/read.js'),
    import('../incident-log/rehearse.js'),
    import('../setup/policy-file.js'),
    import('./forecast.js'),
  ]);
  const policyFor = loadPolicy(policy);
  const currentPolicyFor = loadPolicy(givenIn(process.env)['CLOSEOUT_POLICY']);
  const incidents = await readIncidents(file);
  const current = forecast(incidents, currentPolicyFor, { atOnce });
  const rehearsed = forecast(incidents, policyFor, { atOnce });
  print({ json }, { current, rehearsed }, comparisonTable(current, rehearsed, !atOnce));
}

async function brandsIn(folder: string): Promise<string[]> {
  const { readBrands } = await import('../setup/brands.js');
  const { builtInBrand } = await import('../customer/brand.js');
  return readBrands(folder, builtInBrand({ from: '', replyTo: '', publicUrl: '' })).brands.map(({ id }) => id);
}
