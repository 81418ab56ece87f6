#!/usr/bin/env node
/** The command `closeout`. Exit code 0: done; 1: refused or failed; 2: wrong usage; 75: a mail to be delivered again later. */
import { Command, CommanderError } from 'commander';
import { customerCommands } from './cli/customers.js';
import { operateCommands } from './cli/operate.js';
import { policyCommands } from './cli/policy.js';
import { processCommands } from './cli/processes.js';
import { reportCommands } from './cli/reports.js';
import { TemporaryError } from './cli/shell.js';
import { surveyCommands } from './cli/surveys.js';
import { CloseoutError } from './contract/errors.js';

const program = new Command('closeout')
  .description('Closes customer problem reports durably (TM Forum eTOM 1.3.7.4).')
  .exitOverride()
  .showHelpAfterError('(closeout --help shows every command)');
surveyCommands(program);
customerCommands(program);
policyCommands(program);
reportCommands(program);
operateCommands(program);
processCommands(program);

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
  process.stderr.write(`closeout: ${messageOf(error)}\n`);
  if (error instanceof TemporaryError) return 75;
  return error instanceof CloseoutError && error.code === 'BadInput' ? 2 : 1;
}
