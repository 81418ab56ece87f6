/** Names the failure of an activity that failed permanently. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { isErrorCode, type ErrorCode } from '../contract/errors.js';

/** How an activity fails. The failure of a local activity comes as it was thrown (measured). */
export type StepFailure = ActivityFailure | ApplicationFailure | TimeoutFailure;

export const isStepFailure = (error: unknown): error is StepFailure =>
  error instanceof ActivityFailure || error instanceof ApplicationFailure || error instanceof TimeoutFailure;

const causeOf = (error: StepFailure) => (error instanceof ActivityFailure ? error.cause : error);

/** The named failure, or `GaveUp` if time ran out. */
export function failureOf(error: StepFailure): string {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return cause.type ?? 'Unexpected';
  return cause instanceof TimeoutFailure ? 'GaveUp' : 'Unexpected';
}

/** For a local activity that a regular one follows, unless the failure is final. */
export function undefinedIfRetryable(error: unknown): undefined {
  const isFinal = error instanceof ApplicationFailure && error.nonRetryable === true;
  if (isFinal || !isStepFailure(error)) throw error;
}

/** The code to look up in docs/errors.md. */
export const codeOf = (failure: string): ErrorCode => (isErrorCode(failure) ? failure : 'Unexpected');

/** For an activity that has a fallback. */
export function undefinedIfFailed(error: unknown): undefined {
  if (!isStepFailure(error)) throw error;
}
