/** Names the failure of an activity that failed permanently. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { isErrorCode, type ErrorCode } from '../contract/errors.js';

/** The named failure, or `GaveUp` if time ran out. */
export function failureOf(error: ActivityFailure): string {
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return cause.type ?? 'Unexpected';
  return cause instanceof TimeoutFailure ? 'GaveUp' : 'Unexpected';
}

/** The code to look up in docs/errors.md. */
export const codeOf = (failure: string): ErrorCode => (isErrorCode(failure) ? failure : 'Unexpected');

/** For an activity that something else follows if it fails. The failure of a local activity comes as it was thrown (measured). */
export function undefinedIfFailed(error: unknown): undefined {
  if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure || error instanceof TimeoutFailure))
    throw error;
}
