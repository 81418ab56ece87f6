/** Types of the survey and the confirmation: the survey of a cycle, the customer's answers. */
import type { FollowUpAnswers } from './question.js';
import type { ScaleName } from './scale.js';

/** What a customer may write in one field; code points. */
export const maxCommentLength = 2000;

/** The reasons for not sending a survey. The first that applies, in this order, is recorded. */
export const skipReasons = [
  'disabled',
  'noAddress',
  'optedOut',
  'suppressed',
  'contactCap',
  'questionCap',
  'sampledOut',
  'once',
  'serviceProblem',
  'reopened',
  'cancelled',
  'byOperator',
] as const;
export type SkipReason = (typeof skipReasons)[number];

/** `queued`: decided to send, but the relay has not accepted the mail yet. */
export type SurveyState = 'queued' | 'sent' | 'answered' | 'expired' | 'skipped' | 'undeliverable' | 'superseded';

/**
 * Whether the customer confirms that the problem is fixed. `queued` and `sent`: not answered yet; `silence`: the window ended
 * without an answer; `released`: an operator, or a changed policy, does not wait; `unreachable`: the customer could not be asked;
 * `withdrawn`: the report was reopened or cancelled first.
 */
export type ConfirmationState = 'queued' | 'sent' | 'yes' | 'no' | 'silence' | 'released' | 'unreachable' | 'withdrawn';

/** `none` until the survey is decided. `reason`: why it was skipped or could not be delivered. */
export interface SurveySummary {
  state: 'none' | Exclude<SurveyState, 'queued'>;
  reason?: string;
}

/** The survey of a cycle as its run knows it. Times are ISO 8601, UTC. */
export interface SurveyRecord extends SurveySummary {
  id?: string;
  sentAt?: string;
  expiresAt?: string;
  /** "Not solved" reopens the report until then; later it opens a follow-up report. */
  reopenUntil?: string;
}

/** The confirmation of a clearing as its run knows it. Times are ISO 8601, UTC. */
export interface ConfirmationRecord {
  surveyId: string;
  state: Exclude<ConfirmationState, 'queued' | 'withdrawn'>;
  /** The clearing that the customer was asked about. */
  clearedAt: string;
  closesAt: string;
}

/** One survey per report per cycle, stored even if nothing was sent. Times are null until the event has happened. */
export interface Survey {
  id: string;
  reportId: string;
  cycle: number;
  customerId: string | null;
  serviceProblemId: string | null;
  /** In whose name the customer is written to; null: the built-in one. */
  brand: string | null;
  /** Id of the `AskedQuestion`. */
  questionId: number;
  state: SurveyState;
  /** A skip reason, or why it could not be delivered. */
  reason: string | null;
  decidedAt: Date;
  /** First attempt to hand the mail over. Fixes its Date and its expiry, so that every attempt sends the same mail. */
  mailedAt: Date | null;
  sentAt: Date | null;
  /** Hash of the address that the last mail went to; null: none yet, or another channel's. */
  mailedTo: string | null;
  /** Hashes of the other addresses that earlier mails went to. */
  earlierAddresses: string[];
  remindedAt: Date | null;
  expiresAt: Date | null;
  reopenUntil: Date | null;
  /** Revision of the low score that an operator was alerted to; null again once the operator knows of a better one. */
  alertedRevision: number | null;
  /** null: the customer was not asked to confirm. */
  confirmation: ConfirmationState | null;
  /** The clearing that was asked about; a later clearing in the same cycle is asked about again. */
  confirmFor: Date | null;
  confirmUntil: Date | null;
  confirmedAt: Date | null;
  warnedAt: Date | null;
  /** The customer's words about what is still wrong. */
  confirmReason: string | null;
  /** The report's run has acted on the customer's confirmation or refusal. */
  confirmActedOn: boolean;
}

/** A customer's answer to the survey. */
export interface Answer {
  score?: number;
  solved?: boolean;
  followUps?: FollowUpAnswers;
  comment?: string;
}

/** The answer that counts now. `at`: time of the first answer. */
export interface StoredAnswer {
  surveyId: string;
  score: number | null;
  scale: ScaleName;
  solved: boolean | null;
  followUps: FollowUpAnswers;
  comment: string | null;
  at: Date;
  changedAt: Date;
  revision: number;
  /** The last revision that the report's run has acted on. */
  actedOnRevision: number;
  /** Until when "not solved" reopens the report; null: always. */
  reopenUntil: Date | null;
}

/** A customer's reply when asked to confirm. */
export interface ConfirmationReply {
  clearedAt: Date;
  fixed: boolean;
  reason?: string;
}

/** An entry in the timeline of a survey. */
export type SurveyEvent =
  | 'sent'
  | 'sentAgain'
  | 'copyNotSent'
  | 'reminded'
  | 'answered'
  | 'changed'
  | 'extended'
  | 'revoked'
  | 'expired'
  | 'undeliverable'
  | 'superseded'
  | 'bounced'
  | 'delayed'
  | 'wroteBack'
  | 'automaticReply'
  | 'replied'
  | 'optedOut'
  | 'optOutUndone'
  | 'confirmAsked'
  | 'confirmWarned'
  | 'confirmed'
  | 'refused'
  | 'silence'
  | 'released'
  | 'unreachable'
  | 'erased';
