/** Calls to Temporal with a deadline, and their failures as errors that Closeout names. */
import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
  type Client,
} from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { CloseoutError, hasCode } from '../../contract/errors.js';
import { searchAttributes } from '../../contract/messages.js';

/** Deadline of a call, after which Temporal counts as unavailable. */
const deadlineMs = 10_000;

/** How long a call may take that Closeout can do without; ms. */
export const shortDeadline = 2_000;

/** Throws `TemporalUnavailable`. Without a deadline, a query or update would wait forever while no worker polls. */
export const callTemporal = <T>(temporal: Client, call: () => Promise<T>, deadline = deadlineMs): Promise<T> =>
  translated(() => temporal.withDeadline(Date.now() + deadline, call));

/** Throws `TemporalUnavailable` for a failed call. */
export async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw isFailedCall(error) ? named(error) : error;
  }
}

function named(error: unknown): CloseoutError {
  const { cause } = error as { cause?: unknown };
  const failed = (isGrpcServiceError(cause) ? cause : error) as {
    code?: unknown;
    details?: string | Buffer;
    message: string;
  };
  const { code } = failed;
  const reason = failed.details?.toString() || failed.message; // a worker's connection has no details
  if (error instanceof NamespaceNotFoundError || (code === notFound && /^namespace /i.test(reason))) {
    const message = 'Temporal has no such namespace; create it, or correct TEMPORAL_NAMESPACE.';
    return new CloseoutError('TemporalUnavailable', message, 'TEMPORAL_NAMESPACE', { cause: error });
  }
  const isRefused = code === invalidArgument || (code === failedPrecondition && !/no poller/.test(reason));
  const isOurs = Object.values(searchAttributes).some(({ name }) => reason.includes(name));
  if (isRefused && isOurs && /search attribute/.test(reason))
    return unavailable('Temporal does not know the search attributes of Closeout until a worker registers them', error);
  if (isRefused)
    return new CloseoutError('BadInput', `Temporal refuses the request: ${reason}.`, undefined, { cause: error });
  return unavailable('Temporal or its worker does not answer', error);
}

const unavailable = (problem: string, cause: unknown): CloseoutError =>
  new CloseoutError(
    'TemporalUnavailable',
    `${problem}; try again, and check that TEMPORAL_ADDRESS is right and a worker runs.`,
    undefined,
    { cause },
  );

/** Status codes of gRPC. */
export const invalidArgument = 3;
const notFound = 5;
const failedPrecondition = 9;

/** Every class with which the SDK reports a failed call. */
const isFailedCall = (error: unknown): boolean =>
  error instanceof ServiceError ||
  error instanceof NamespaceNotFoundError ||
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
  if (!hasCode(error, 'TemporalUnavailable')) throw error;
}
