#!/usr/bin/env node
/** The command `closeout`. */
import { Command, CommanderError } from 'commander';
import { brandCommands } from './cli/brands.js';
import { customerCommands } from './cli/customers.js';
import { eventCommands } from './cli/events.js';
import { operateCommands, operateSurveyCommands } from './cli/operate.js';
import { policyCommands } from './cli/policy.js';
import { processCommands } from './cli/processes.js';
import { reportCommands } from './cli/reports.js';
import { UnhandledMail } from './cli/shell.js';
import { systemCommands } from './cli/systems.js';
import { surveyCommands } from './cli/surveys.js';
import { tokenCommands } from './cli/tokens.js';
import { workerVersionCommands } from './cli/worker-versions.js';
import { CloseoutError } from './contract/errors.js';
import { version } from './setup/version.js';

const help = `
Examples:
  closeout open --id DEMO-1 --description "No dial tone" --email ann@customers.example
  closeout clear DEMO-1
  closeout status DEMO-1
  closeout list --attention

Exit codes:
  0   done
  1   refused or failed; the reason is on standard error
  2   wrong usage
  65  from "inbound" only: the mail cannot be handled, and is returned
  75  from "inbound" only: deliver the mail again later`;

// Whoever reads the output may end first, as `head` does.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

const program = new Command('closeout')
  .description('Closes customer problem reports durably (TM Forum eTOM 1.3.7.4).')
  .version(version, '-V, --version', 'print the version')
  .addHelpText('after', help)
  .exitOverride()
  .showHelpAfterError('(closeout --help shows every command)');
reportCommands(program);
operateCommands(program);
operateSurveyCommands(program);
surveyCommands(program);
customerCommands(program);
policyCommands(program);
brandCommands(program);
systemCommands(program);
eventCommands(program);
tokenCommands(program);
processCommands(program);
workerVersionCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** An AggregateError of failed connections has no message of its own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: string };
  return error.message || (code ?? error.name);
}

/** Prints the error, never with a stack, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  const message = messageOf(error);
  const known = error instanceof UnhandledMail ? error.cause : error;
  const { code = 'Unexpected', field } = known instanceof CloseoutError ? known : {};
  const text = process.argv.includes('--json') ? JSON.stringify({ code, message, field }) : `closeout: ${message}`;
  process.stderr.write(`${text}\n`);
  if (error instanceof UnhandledMail) return error.exitCode;
  return code === 'BadInput' ? 2 : 1;
}
