/** Errors that callers expect, turned into results. */
import { CloseoutError } from '../contract/errors.js';

/** Returns false if the run has moved on or has ended, so that nothing is left to ask of it. */
export function falseIfRefused(error: unknown): false {
  if (error instanceof CloseoutError && (error.code === 'StatusConflict' || error.code === 'NoRun')) return false;
  throw error;
}

export function ignoreNotFound(error: unknown): void {
  if (!(error instanceof CloseoutError && error.code === 'NotFound')) throw error;
}

export { ignoreUnavailable } from '../outside/temporal/calls.js';
