/** Names the failure of an activity that failed permanently. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure, isCancellation } from '@temporalio/workflow';
import { isErrorCode, type ErrorCode } from '../contract/errors.js';

/** The named failure, or `GaveUp` if time ran out. */
export function failureOf(error: ActivityFailure): string {
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return cause.type ?? 'Unexpected';
  return cause instanceof TimeoutFailure ? 'GaveUp' : 'Unexpected';
}

/** For an activity that was tried once, and is tried again elsewhere unless that would be in vain. */
export function undefinedIfRetryable(error: unknown): undefined {
  const isRetryable = error instanceof ActivityFailure && error.retryState !== 'NON_RETRYABLE_FAILURE';
  if (!isRetryable || isCancellation(error)) throw error;
}

/** The code to look up in docs/errors.md. */
export const codeOf = (failure: string): ErrorCode => (isErrorCode(failure) ? failure : 'Unexpected');

/** For an activity that something else follows if it fails. The failure of a local activity comes as it was thrown (measured). */
export function undefinedIfFailed(error: unknown): undefined {
  if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure || error instanceof TimeoutFailure))
    throw error;
}
