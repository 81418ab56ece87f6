/** Commands about brands: check their files. */
import type { Command } from 'commander';
import { givenIn } from '../setup/environment.js';
import { print, type Common } from './shell.js';

export function brandCommands(program: Command): void {
  program
    .commandsGroup('Policy:')
    .command('brands')
    .description('the brands of mails and pages (docs/brands.md)')
    .command('check [folder]')
    .description('check every brand of a folder, CLOSEOUT_BRANDS if absent; name the file and line of each fault')
    .option('--json', 'print JSON')
    .action(check);
}

async function check(folder: string | undefined, options: Common): Promise<void> {
  const [{ inWords, readBrands }, { builtInBrand }, { CloseoutError }] = await Promise.all([
    import('../setup/brands.js'),
    import('../customer/brand.js'),
    import('../contract/errors.js'),
  ]);
  const given = folder ?? givenIn(process.env)['CLOSEOUT_BRANDS'];
  if (!given) throw new CloseoutError('BadInput', 'Name a folder, or set CLOSEOUT_BRANDS.', 'folder');
  const sender = {
    from: 'care@closeout.example',
    replyTo: 'care@closeout.example',
    publicUrl: 'http://127.0.0.1:8080',
  };
  const { brands, faults } = readBrands(given, builtInBrand(sender));
  const names = brands.map(({ id }) => id);
  const fine = names.length > 0 ? `${names.join(', ')}: no problems found.` : `${given} has no brand.`;
  print(options, { brands: names, faults }, faults.length > 0 ? faults.map(inWords).join('\n') : fine);
  if (faults.length > 0) process.exitCode = 1;
}
