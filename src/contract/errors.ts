/**
 * Every error that Closeout names: whether Temporal retries it, who has to act, and its HTTP status. `docs/errors.md` is
 * checked against this table. The code is the `type` of the ApplicationFailure and the `code` of the HTTP body.
 */
export const errors = {
  BadInput: { retry: false, acts: 'caller', http: 400 },
  BadSetting: { retry: false, acts: 'operator', http: 500 },
  Unauthorized: { retry: false, acts: 'caller', http: 401 },
  Forbidden: { retry: false, acts: 'caller', http: 403 },
  LoginFailed: { retry: false, acts: 'caller', http: 401 },
  ReportNotFound: { retry: false, acts: 'caller', http: 404 },
  NotFound: { retry: false, acts: 'caller', http: 404 },
  Gone: { retry: false, acts: 'caller', http: 410 },
  MethodNotAllowed: { retry: false, acts: 'caller', http: 405 },
  ReportExists: { retry: false, acts: 'caller', http: 409 },
  StatusConflict: { retry: false, acts: 'caller', http: 409 },
  /** Repeating the request does not help. */
  LimitReached: { retry: false, acts: 'caller', http: 409 },
  NoRun: { retry: false, acts: 'caller', http: 409 },
  BodyTooLarge: { retry: false, acts: 'caller', http: 413 },
  NotJson: { retry: false, acts: 'caller', http: 415 },
  TooManyRequests: { retry: false, acts: 'caller', http: 429 },
  ClosureRefused: { retry: false, acts: 'operator', http: 409 },
  Diverged: { retry: false, acts: 'operator', http: 409 },
  NotConfirmed: { retry: false, acts: 'operator', http: 409 },
  RecipientRefused: { retry: false, acts: 'operator', http: 502 },
  EAIUnsupported: { retry: false, acts: 'operator', http: 502 },
  MailRefused: { retry: false, acts: 'operator', http: 502 },
  MailUnavailable: { retry: true, acts: 'nobody', http: 503 },
  /** Not retried by Temporal: the workflow alerts an operator and then retries it itself. */
  MailMisconfigured: { retry: false, acts: 'operator', http: 503 },
  SystemRefused: { retry: false, acts: 'operator', http: 409 },
  SystemMisconfigured: { retry: false, acts: 'operator', http: 502 },
  SystemUnavailable: { retry: true, acts: 'nobody', http: 503 },
  /** While a release is rolled out, `closeout migrate` may still be running. */
  DatabaseOutdated: { retry: true, acts: 'operator', http: 503 },
  LoginUnavailable: { retry: false, acts: 'operator', http: 503 },
  DatabaseUnavailable: { retry: true, acts: 'nobody', http: 503 },
  TemporalUnavailable: { retry: true, acts: 'nobody', http: 503 },
  GaveUp: { retry: false, acts: 'operator', http: 504 },
  Unexpected: { retry: true, acts: 'operator', http: 500 },
} as const satisfies Record<string, { retry: boolean; acts: 'caller' | 'operator' | 'nobody'; http: number }>;

export type ErrorCode = keyof typeof errors;

export const isErrorCode = (name: string): name is ErrorCode => Object.hasOwn(errors, name);

/** An error that a caller or an operator can act on. `message`: what is wrong and what to do; `field`: which input is wrong. */
export class CloseoutError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly field?: string,
    options: ErrorOptions & { retryAfter?: number } = {},
  ) {
    super(message, options);
    this.name = code;
    this.retryAfter = options.retryAfter;
  }

  /** ms; absent: as usual. */
  readonly retryAfter: number | undefined;
}

export const hasCode = (error: unknown, ...codes: ErrorCode[]): error is CloseoutError =>
  error instanceof CloseoutError && codes.includes(error.code);

export const noReport = (id: string): CloseoutError => new CloseoutError('ReportNotFound', `There is no report ${id}.`);

/** For `catch`: a report that does not exist is undefined; any other error is thrown again. */
export function undefinedIfNoReport(error: unknown): undefined {
  if (!hasCode(error, 'ReportNotFound')) throw error;
}

/** The error is about an external ticket system, or one of its tickets. */
export const isAboutSystem = (error: unknown): error is CloseoutError =>
  error instanceof CloseoutError && error.code.startsWith('System');

/** Whether the same may succeed later, as the table says; so may whatever has no name there. */
export const isWorthRetrying = (error: unknown): boolean =>
  !(error instanceof CloseoutError) || errors[error.code].retry;
