/** What a report's run has decided and learned: carried by the run, written to the ledger, and enough to continue from. */
import type { AnsweredSignal } from '../contract/messages.js';
import type { ConfirmationRecord, SurveyRecord } from '../contract/survey.js';
import type { Attention } from '../contract/reports.js';
import type { RecordedOperation } from '../contract/timeline.js';
import type { Decided, Received } from './changes.js';

/** An operator, or a customer's reply by mail, does not want the report to be closed. */
export interface Hold {
  by: string;
  note?: string;
  /** ISO 8601. */
  since: string;
}

/** An operator closed the report where we could not. */
export interface ByHand {
  by: string;
  note?: string;
}

/** The change to cleared that a closing is about. */
export interface Clearing {
  /** ISO 8601: when it happened. Different for each clearing of a report. */
  at: string;
  /** ISO 8601: when Closeout received it. The hold-down runs from here. */
  receivedAt: string;
  by?: string;
}

export type ConfirmationStanding = ConfirmationRecord & {
  /** ISO 8601: the time of the mail that asked. */
  askedAt?: string;
  /** ISO 8601: when the one warning is due; absent if there is none or it was sent. */
  warnAt?: string;
  /** The one warning was sent, or cannot be. */
  warned?: true;
};

export interface Standing extends Decided {
  cycle: number;
  clearing?: Clearing;
  /** ISO 8601. */
  closedAt?: string;
  hold?: Hold;
  /** The operator who does not want to wait for the customer's confirmation of this clearing. */
  releasedBy?: string;
  /** The operator who does not want the customer of this cycle to be asked. */
  skipSurveyBy?: string;
  survey: SurveyRecord;
  /** The one reminder was sent. */
  reminded: boolean;
  /** The confirmation of this clearing. */
  confirmation?: ConfirmationStanding;
  /** The customer's answer to the survey of this cycle. */
  answer?: AnsweredSignal;
  /** The step that waits for an operator. */
  attention?: Attention;
}

/** What every write of a run carries. */
export interface Fence {
  reportId: string;
  runId: string;
  cycle: number;
  /** The number of the change that is written. */
  rev: number;
  /** The number of the last change that was written, as the run knows it: a row with a smaller one was restored. Absent: unknown. */
  lastWrittenRev?: number;
  /** What is written: a repeated attempt has the same number and the same name. */
  write: string;
  /** What the run has received, and how many signals; absent while something of it is not written. */
  received?: Received;
  signals?: number;
}

/** What an operator decided, or what the run is stuck at. What is absent stays; null removes. */
export interface Decision {
  hold?: Hold | null;
  releasedBy?: string | null;
  skipSurveyBy?: string;
  attention?: Attention | null;
  expectedAt?: string | null;
  /** The operator's request, for the timeline. */
  operation?: { name: RecordedOperation; by: string; note?: string };
}
