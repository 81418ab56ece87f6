/**
 * Names and payloads of the workflows' messages. A service in another language needs only these. Every field of every signal
 * is optional, and a signal may come without a payload.
 */
import type { ChangeKind } from './reports.js';
import type { ScaleName } from './scale.js';

export const taskQueue = 'closeout';
/** Activities that mail, and those about many reports, have task queues and slots of their own: neither delays a closing. */
export const mailQueue = 'closeout-mail';
export const bulkQueue = 'closeout-bulk';
export const systemQueueOf = (system: string): string => `closeout-system-${system}`;
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
  delivered: 'delivered',
  failed: 'failed',
  lookAgain: 'lookAgain',
} as const satisfies Record<string, string>;
export type SignalName = keyof typeof signals;

export const queries = { status: 'status', standing: 'standing', progress: 'progress', result: 'result' } as const;

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

/** The command that sends an update: `closeout close-by-hand`. */
export const commandOf = (update: UpdateName): string =>
  update === 'retryNow' ? 'retry' : update.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Payload of `cleared`, `reopened` and `cancelled`. */
export interface ChangeSignal {
  /** When it happened (ISO 8601). Compared only with the last time from the same author: an older one is late. */
  at?: string;
  by?: string;
  /** A change with the same id counts once. */
  id?: string;
  /** For readers of the history; not stored with the report. */
  note?: string;
  /** For readers of the history; not stored with the report. */
  reason?: string;
  /** One of many changes at once: its activities wait behind those of reports that changed alone. */
  bulk?: boolean;
  /** The TMF621 status to set, if not the usual one of the change. */
  status?: string;
  /** ISO 8601: when Closeout received it, if that was before the signal was sent. */
  receivedAt?: string;
  /** The reason is stored under the change's id. */
  hasReason?: boolean;
}

/** Sent once an answer is stored. Never holds the comment. */
export interface AnsweredSignal {
  surveyId?: string;
  score?: number;
  /** `satisfaction` if absent. */
  scale?: ScaleName;
  solved?: boolean;
  /** 1 for the first answer, 2 for its first change, … */
  revision?: number;
  /** ISO 8601: when it was stored. */
  answeredAt?: string;
  /** ISO 8601: until when "not solved" reopens the report, as the page has said. */
  reopenUntil?: string;
}

/** Sent when the mail of a survey bounced. `reason`: the status code of RFC 3463, such as `5.1.1`. */
export interface BouncedSignal {
  surveyId?: string;
  reason?: string;
  /** A bounce with the same id counts once. */
  id?: string;
}

/** Another channel has delivered the survey, or has failed to. `reason`: a code, never words about the customer. */
export interface DeliverySignal {
  /** The survey of the current cycle if absent. */
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

/** Why a sweep woke a run. `started`: it never ran; `overdue`: it should have written by now; `lost`: it ended before its report did. */
export type WakeReason = ChangeKind | 'started' | 'overdue' | 'answered' | 'confirmed' | 'lost' | 'restored';

/** The result of a sweep. */
export interface SweepResult {
  /** Number of runs that were woken, by what was wrong. */
  notified: Partial<Record<WakeReason, number>>;
  /** Runs that could not be woken; a later sweep tries again. */
  failed: number;
  /** Reports whose runs were woken five times without effect; an operator is alerted. */
  stuck: number;
  /** Number of sweeps so far, as PostgreSQL and Temporal both know it. */
  counter: number;
}

/** The most reports that a mass clear signals per second. */
export const maxPerSecond = 500;

/** A request to clear every report of a service problem: payload of the signal `clear`. */
export interface MassClearRequest {
  /** When the fault was fixed (ISO 8601, not in the future); the time of receipt if absent. Later reports stay open. */
  at?: string;
  by?: string;
  /** At most so many reports per second, 1 to 500; as many as the workers sustain if absent. */
  perSecond?: number;
  /** A request with the same id counts once. */
  id?: string;
}

/** Input of the workflow `clearServiceProblem`, id `service-problem:{id}`. Callers need `serviceProblemId` only. */
export interface MassClearInput extends MassClearRequest {
  serviceProblemId: string;
  /** For continue-as-new: how far it is. `v`: the version of this form (carried.ts). */
  carried?: { v: number; state: unknown };
}

/** Signal to a running `clearServiceProblem`: a second request is honoured after the first. */
export const massClearSignal = 'clear';

/** Answer of the query `progress` of `clearServiceProblem`, and its result. */
export interface MassClearProgress {
  serviceProblemId: string;
  /** Reports whose runs have received the change. */
  cleared: number;
  /** Still open. */
  open: number;
  /** Open because they were opened or reopened after the fault was fixed; at most 100 ids. */
  later: { count: number; ids: string[] };
  /** Cleared, but not yet closed. */
  closing: number;
  closed: number;
  /** Reports that are not cleared, with the reason; at most 100. Each is signalled again in every round. */
  failed: { reportId: string; failure: string }[];
  failedCount: number;
  round: number;
  done: boolean;
}

/** Input of the workflow `alertOperator`. Ids and times only: what a customer said is read when the mail is written. */
export type Alert =
  /** A customer is dissatisfied, or no longer is. */
  | { kind: 'answer'; reportId: string; cycle: number; revision: number; scoreAtMost: number }
  /** A customer says that the problem is not fixed, and the report was reopened. `at`: ISO 8601, of the reopening. */
  | { kind: 'notFixed'; reportId: string; cycle: number; at: string }
  /** Mails to customers were refused permanently. `at`: ISO 8601; one alert per day. */
  | { kind: 'undeliverable'; failure: string; at: string }
  /** A copy of a survey mail was refused permanently; the survey stays open. */
  | { kind: 'copyRefused'; failure: string; reportId: string; at: string }
  /** Customers' servers reject our mails because of their sender. `reportId`: one of those. One alert per day and status. */
  | { kind: 'senderRejected'; status: string; reportId: string; at: string }
  /** The mail relay refuses all our mail. `since`, `at`: ISO 8601. */
  | { kind: 'relay'; failure: string; since: string; at: string }
  /**
   * Reports wait for an operator, because a step was refused permanently or a customer has not confirmed. `reportId`: one that the
   * ledger does not list, because it was not found there.
   */
  | { kind: 'attention'; step: string; code: string; at: string; reportId?: string }
  /** The report was reopened too often. */
  | { kind: 'reopenings'; reportId: string; cycle: number; reopenings: number; at: string }
  /** The runs of reports were woken again and again and do not follow. */
  | { kind: 'stuck'; at: string }
  /** Reports of a service problem could not be cleared. `request`: id of what asked for it. `at`: ISO 8601. */
  | { kind: 'massClear'; serviceProblemId: string; request: string; failed: number; at: string }
  /**
   * A listener of events fails for days or wants no more; `givenUp`: only an event of this report was given up. `occasion`: which event,
   * or since when the listener has failed.
   */
  | { kind: 'listener'; listener: string; reason: string; givenUp?: string; occasion: string; at: string }
  /** A customer replied to one of our mails. */
  | { kind: 'message'; storedMessageId: string }
  /** An operator's reply will not be mailed. `failure`: code of the error. */
  | { kind: 'reply'; storedMessageId: string; failure: string };

/** The search attributes of a run and their types. Workers register them with the server when they start. */
export const searchAttributes = {
  phase: { name: 'CloseoutPhase', type: 'KEYWORD' },
  cycle: { name: 'CloseoutCycle', type: 'INT' },
  customer: { name: 'CloseoutCustomer', type: 'KEYWORD' },
  serviceProblem: { name: 'CloseoutServiceProblem', type: 'KEYWORD' },
  survey: { name: 'CloseoutSurvey', type: 'KEYWORD' },
  score: { name: 'CloseoutScore', type: 'INT' },
  /** Scores of different scales cannot be compared. */
  scale: { name: 'CloseoutScale', type: 'KEYWORD' },
} as const satisfies Record<string, { name: string; type: 'KEYWORD' | 'INT' }>;
