/**
 * Names and payloads of the workflows' messages. A service in another language needs only these. Every field of every signal
 * is optional, and a signal may come without a payload.
 */
import type { ChangeKind } from './reports.js';
import type { Score } from './survey.js';

export const taskQueue = 'closeout';
export const workflowType = 'closeProblemReport';

/** The other workflows. */
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

/** Payload of `cleared`, `reopened` and `cancelled`. `at`: when it happened (ISO 8601); the time of receipt if absent. */
export interface ChangeSignal {
  at?: string;
  by?: string;
  /** For readers of the history; not stored with the report. */
  note?: string;
  /** For readers of the history; not stored with the report. */
  reason?: string;
  /** One of many changes at once: its activities wait behind those of reports that changed alone. */
  bulk?: boolean;
}

/** Sent once an answer is stored. Never holds the comment. */
export interface AnsweredSignal {
  surveyId?: string;
  score?: Score;
  solved?: boolean;
  /** 1 for the first answer, 2 for its first change, … */
  revision?: number;
}

/** Sent when the mail of a survey bounced. `reason`: the status code of RFC 3463, such as `5.1.1`. */
export interface BouncedSignal {
  surveyId?: string;
  reason?: string;
}

/** Sent once a customer's confirmation or refusal is stored. Never holds the customer's words. */
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
  /** For `extendSurvey`: by how many days, 1 to 90. */
  days?: number;
}

/** An operator's request about an open survey; `by` goes into its timeline. */
export interface SurveyOperation {
  name: 'resendSurvey' | 'revokeSurvey' | 'extendSurvey';
  by: string;
  days?: number;
}

/** The result of a sweep. */
export interface SweepResult {
  reports: number;
  /** Number of runs that were notified, by the kind of change they had missed. */
  notified: Partial<Record<ChangeKind | 'started' | 'answered' | 'confirmed', number>>;
  /** Runs that could not be notified; the next sweep tries again. */
  failed: number;
  pages: number;
}

/** Input of the workflow `clearServiceProblem`, id `service-problem:{id}`. Callers need `serviceProblemId` only. */
export interface MassClearInput {
  serviceProblemId: string;
  /** When the fault was fixed (ISO 8601); the start of the workflow if absent. */
  at?: string;
  by?: string;
  /** Reports to clear per second, 1 to 500; 50 if absent. */
  perSecond?: number;
  carried?: unknown;
}

/** Answer of the query `progress` of `clearServiceProblem`, and its result. */
export interface MassClearProgress {
  serviceProblemId: string;
  /** Reports whose runs were notified. */
  cleared: number;
  /** Still open in the system of record. */
  open: number;
  /** Cleared, but not yet closed. */
  closing: number;
  closed: number;
  /** Reports that the system of record refused to clear, with the reason. Each is retried in every round. */
  failed: { reportId: string; failure: string }[];
  round: number;
  done: boolean;
}

/** Input of the workflow `alertOperator`. Ids and times only: what a customer said is read when the mail is written. */
export type Alert =
  /** A customer is dissatisfied, or no longer is. */
  | { kind: 'answer'; reportId: string; cycle: number; revision: number; scoreAtMost: number }
  /** A mail to a customer was refused permanently. */
  | { kind: 'undeliverable'; reportId: string; cycle: number; failure: string }
  /** The mail relay refuses all our mail. `since`: ISO 8601. */
  | { kind: 'relay'; failure: string; since: string }
  /** A step was refused permanently. `day`: 0 at once, 1 a day later, … */
  | { kind: 'attention'; reportId: string; step: string; failure: string; since: string; day: number }
  /** The customer has not confirmed, and the policy does not close on silence. `clearedAt`, `since`: ISO 8601. */
  | { kind: 'unconfirmed'; reportId: string; clearedAt: string; since: string; day: number }
  /** The report was reopened too often. */
  | { kind: 'reopenings'; reportId: string; cycle: number; at: string }
  /** A customer replied to one of our mails. */
  | { kind: 'message'; storedMessageId: string };

/** The search attributes of a run and their types. Workers register them with the server when they start. */
export const searchAttributes = {
  phase: { name: 'CloseoutPhase', type: 'KEYWORD' },
  cycle: { name: 'CloseoutCycle', type: 'INT' },
  customer: { name: 'CloseoutCustomer', type: 'KEYWORD' },
  serviceProblem: { name: 'CloseoutServiceProblem', type: 'KEYWORD' },
  survey: { name: 'CloseoutSurvey', type: 'KEYWORD' },
  score: { name: 'CloseoutScore', type: 'INT' },
} as const satisfies Record<string, { name: string; type: 'KEYWORD' | 'INT' }>;
