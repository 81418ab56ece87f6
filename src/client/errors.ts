/** Errors that callers expect, turned into results. */
import { CloseoutError } from '../contract/errors.js';

/** Returns false if the run has moved on or has ended, so that nothing is left to ask of it. */
export function falseIfRefused(error: unknown): false {
  if (error instanceof CloseoutError && (error.code === 'StatusConflict' || error.code === 'NoRun')) return false;
  throw error;
}

/** Returns undefined if Temporal is unavailable, for everything that is possible without it. */
export function ignoreUnavailable(error: unknown): undefined {
  if (!(error instanceof CloseoutError && error.code === 'TemporalUnavailable')) throw error;
}
