/** Errors that callers expect, turned into results. */
import { hasCode } from '../contract/errors.js';

/** Returns false if the run has moved on or has ended, so that nothing is left to ask of it. */
export function falseIfRefused(error: unknown): false {
  if (hasCode(error, 'StatusConflict', 'NoRun')) return false;
  throw error;
}

export function ignoreNotFound(error: unknown): void {
  if (!hasCode(error, 'NotFound')) throw error;
}

export { ignoreUnavailable } from '../outside/temporal/calls.js';
