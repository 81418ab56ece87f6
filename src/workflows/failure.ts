/** What an activity that failed for good is called. */
import { ApplicationFailure, TimeoutFailure, type ActivityFailure } from '@temporalio/workflow';

/** The named failure, or which time ran out: what an operator can look up in docs/errors.md. */
export function failureOf(error: ActivityFailure): string {
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return cause.type ?? 'Unexpected';
  return cause instanceof TimeoutFailure ? 'GaveUp' : 'Unexpected';
}
