/** Calls to Temporal with a deadline, and their failures as errors that Closeout names. */
import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
  type Client,
} from '@temporalio/client';
import { CloseoutError } from '../../contract/errors.js';

/** Deadline of a call, after which Temporal counts as unavailable. */
const deadlineMs = 10_000;

/** Throws `TemporalUnavailable`. Without a deadline, a query or update would wait forever while no worker polls. */
export const callTemporal = <T>(temporal: Client, call: () => Promise<T>, deadline = deadlineMs): Promise<T> =>
  translated(() => temporal.withDeadline(Date.now() + deadline, call));

/** Throws `TemporalUnavailable` for a failed call. */
export async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isFailedCall(error)) throw error;
    const { cause } = error as { cause?: unknown };
    const { code, details } = (isGrpcServiceError(cause) ? cause : error) as { code?: unknown; details?: unknown };
    if (code === invalidArgument || code === failedPrecondition)
      throw new CloseoutError('BadInput', `Temporal refuses the request: ${String(details)}.`, undefined, {
        cause: error,
      });
    throw new CloseoutError(
      'TemporalUnavailable',
      'Temporal or its worker does not answer; try again, and check that TEMPORAL_ADDRESS is right and a worker runs.',
      undefined,
      { cause: error },
    );
  }
}

/** Status codes of gRPC. */
const invalidArgument = 3;
const failedPrecondition = 9;

/** Every class with which the SDK reports a failed call. */
const isFailedCall = (error: unknown): boolean =>
  error instanceof ServiceError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

/** Returns false if the workflow was started before. */
export function falseIfStarted(error: unknown): false {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
  throw error;
}

/** Returns undefined if the server knows no such workflow, or it has ended. */
export function undefinedIfUnknown(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** Returns undefined if Temporal is unavailable, for everything that is possible without it. */
export function ignoreUnavailable(error: unknown): undefined {
  if (!(error instanceof CloseoutError && error.code === 'TemporalUnavailable')) throw error;
}
