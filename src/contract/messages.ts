/**
 * The messages of the workflow `closeProblemReport`: names and payloads. A service in another language needs only
 * these. Every field of every signal is optional and a signal may come with no payload at all.
 */
import type { ChangeKind, Score } from './reports.js';

export const taskQueue = 'closeout';
export const workflowType = 'closeProblemReport';

export const signals = {
  cleared: 'cleared',
  reopened: 'reopened',
  cancelled: 'cancelled',
  answered: 'answered',
} as const satisfies Record<ChangeKind | 'answered', string>;

export const queries = { status: 'status' } as const;

export const updates = {
  retryNow: 'retryNow',
  hold: 'hold',
  release: 'release',
  skipSurvey: 'skipSurvey',
  resendSurvey: 'resendSurvey',
  closeByHand: 'closeByHand',
} as const;
export type UpdateName = keyof typeof updates;

/** Payload of `cleared`, `reopened` and `cancelled`. `at`: ISO 8601, when it happened; the time of receipt if absent. */
export interface ChangeSignal {
  at?: string;
  by?: string;
  note?: string;
  reason?: string;
}

/** Sent by our own survey page once the answer is stored. Never holds the comment. */
export interface AnsweredSignal {
  surveyId?: string;
  score?: Score;
  solved?: boolean;
}

/** Argument of every update. `by` is kept in the history as the author. */
export interface OperatorRequest {
  by?: string;
  note?: string;
}

/** Typed search attributes of a run; registered with the server when a worker starts. */
export const searchAttributes = {
  phase: 'CloseoutPhase',
  cycle: 'CloseoutCycle',
  customer: 'CloseoutCustomer',
  serviceProblem: 'CloseoutServiceProblem',
  survey: 'CloseoutSurvey',
  score: 'CloseoutScore',
} as const;
