/**
 * The messages of the workflow `closeProblemReport`: names and payloads. A service in another language needs only
 * these. Every field of every signal is optional and a signal may come with no payload at all.
 */
import type { ChangeKind, Score } from './reports.js';

export const taskQueue = 'closeout';
export const workflowType = 'closeProblemReport';

/** The other workflows: tell an operator, write to a customer, forget who said what. */
export const alertWorkflow = 'alertOperator';
export const replyWorkflow = 'replyToCustomer';
export const forgetWorkflow = 'forgetCustomers';
export const watchWorkflow = 'watchReports';
export const massClearWorkflow = 'clearServiceProblem';
/** Schedule of `watchReports`. */
export const watchSchedule = 'closeout-watch';
/** Schedule of `forgetCustomers`, once a day. */
export const forgetSchedule = 'closeout-forget';

export const signals = {
  cleared: 'cleared',
  reopened: 'reopened',
  cancelled: 'cancelled',
  answered: 'answered',
  bounced: 'bounced',
  confirmed: 'confirmed',
  opened: 'opened',
} as const satisfies Record<ChangeKind | 'answered' | 'bounced' | 'confirmed' | 'opened', string>;

export const queries = { status: 'status', progress: 'progress', result: 'result' } as const;

export const updates = {
  retryNow: 'retryNow',
  hold: 'hold',
  release: 'release',
  skipSurvey: 'skipSurvey',
  resendSurvey: 'resendSurvey',
  revokeSurvey: 'revokeSurvey',
  extendSurvey: 'extendSurvey',
  closeByHand: 'closeByHand',
} as const;
export type UpdateName = keyof typeof updates;

/** Payload of `cleared`, `reopened` and `cancelled`. `at`: ISO 8601, when it happened; the time of receipt if absent. */
export interface ChangeSignal {
  at?: string;
  by?: string;
  note?: string;
  reason?: string;
  /** One of very many: its activities wait behind those of reports that were cleared one by one. */
  bulk?: boolean;
}

/** Sent by our own survey page once the answer is stored. Never holds the comment. */
export interface AnsweredSignal {
  surveyId?: string;
  score?: Score;
  solved?: boolean;
  /** 1 for the first answer, 2 for its first change, … */
  revision?: number;
}

/** Sent when a bounce for this survey came in. `reason`: the status of RFC 3463, such as `5.1.1`. */
export interface BouncedSignal {
  surveyId?: string;
  reason?: string;
}

/** Sent by our own page once it is stored what the customer says of a cleared report. Never holds the reason. */
export interface ConfirmedSignal {
  surveyId?: string;
  /** ISO 8601: the clearing that the customer was asked about. */
  clearedAt?: string;
  fixed?: boolean;
}

/** Argument of every update. `by` is kept in the history as the author. */
export interface OperatorRequest {
  by?: string;
  note?: string;
  /** Of `extendSurvey`: for how many more days the customer may answer, 1 to 90. */
  days?: number;
}

/** An operator's request about a survey that is out; `by` goes into its timeline. */
export interface SurveyRequest {
  name: 'resendSurvey' | 'revokeSurvey' | 'extendSurvey';
  by: string;
  days?: number;
}

/** What a sweep has found, so far or in the end. */
export interface SweepResult {
  reports: number;
  /** What was missed, by what the runs were told. */
  told: Partial<Record<ChangeKind | 'started' | 'answered' | 'confirmed', number>>;
  /** Runs that could not be told; the next sweep tries again. */
  failed: number;
  pages: number;
}

/** Input of the workflow `clearServiceProblem`, id `service-problem:{id}`. Outsiders need `serviceProblemId` only. */
export interface MassClearInput {
  serviceProblemId: string;
  /** ISO 8601: when the fault was gone; when the workflow began if absent. */
  at?: string;
  by?: string;
  /** Reports told a second, 1 to 500; 50 if absent. */
  perSecond?: number;
  carried?: unknown;
}

/** Answer of the query `progress` of `clearServiceProblem`, and its result. */
export interface MassClearProgress {
  serviceProblemId: string;
  /** Reports whose runs were told. */
  cleared: number;
  /** Not yet told: still open in the system of record. */
  open: number;
  /** Told, and not yet closed. */
  closing: number;
  closed: number;
  /** What the system of record refused, with the reason; each is tried again in every round. */
  failed: { reportId: string; failure: string }[];
  round: number;
  done: boolean;
}

/** Input of the workflow `alertOperator`: what the operator is to be told. What a customer said is looked up. */
export type Alert =
  | { kind: 'answer'; reportId: string; cycle: number; revision: number; scoreAtMost: number }
  | { kind: 'undeliverable'; reportId: string; cycle: number; failure: string }
  /** The relay refuses us. `since`: ISO 8601. */
  | { kind: 'relay'; failure: string; since: string }
  /** A step was refused for good; `day` 0 at once, 1 a day later, … */
  | { kind: 'attention'; reportId: string; step: string; failure: string; since: string; day: number }
  /** The customer has not confirmed, and the policy does not take silence for it. `clearedAt`, `since`: ISO 8601; `day` 0 at once. */
  | { kind: 'unconfirmed'; reportId: string; clearedAt: string; since: string; day: number }
  /** The report was opened again too often. */
  | { kind: 'reopenings'; reportId: string; cycle: number; at: string }
  /** A customer wrote back. */
  | { kind: 'message'; messageId: string };

/** Typed search attributes of a run; registered with the server when a worker starts. */
export const searchAttributes = {
  phase: 'CloseoutPhase',
  cycle: 'CloseoutCycle',
  customer: 'CloseoutCustomer',
  serviceProblem: 'CloseoutServiceProblem',
  survey: 'CloseoutSurvey',
  score: 'CloseoutScore',
} as const;
