/** Pure rules of the survey: may it go out, and if not why; may it still be answered; what an answer asks for. */
import type { ReportStatus, Score, SkipReason } from '../contract/reports.js';
import type { Policy } from './settings.js';

/** Everything known at the moment of sending. Counts are of this customer or report, without the survey in question. */
export interface SendFacts {
  status: ReportStatus;
  isCurrentCycle: boolean;
  /** Not its first cycle. */
  isRecleared: boolean;
  hasAddress: boolean;
  optedOut: boolean;
  suppressed: boolean;
  /** Surveys sent to the customer within `contactCap.per`. */
  sentToCustomer: number;
  /** Surveys sent for earlier cycles of this report. */
  sentForReport: number;
  /** The customer was already asked about the same service problem. */
  askedForServiceProblem: boolean;
  /** 0 to 99, the same for the same report. */
  sampleBucket: number;
  byOperator: boolean;
}

/** Why the survey must not go out, the first reason that applies; undefined: send it. A re-cleared report is exempt from the cap. */
export function skipReason(facts: SendFacts, survey: Policy['survey']): SkipReason | undefined {
  const { contactCap } = survey;
  const reasons: [SkipReason, boolean][] = [
    ['disabled', !survey.enabled],
    ['noAddress', !facts.hasAddress],
    ['optedOut', facts.optedOut],
    ['suppressed', facts.suppressed],
    ['contactCap', contactCap !== null && !facts.isRecleared && facts.sentToCustomer >= contactCap.count],
    ['sampledOut', facts.sampleBucket >= survey.sample],
    ['once', survey.perCycle === 'once' && facts.sentForReport > 0],
    ['serviceProblem', facts.askedForServiceProblem],
    ['reopened', facts.status !== 'cancelled' && (facts.status !== 'closed' || !facts.isCurrentCycle)],
    ['cancelled', facts.status === 'cancelled'],
    ['byOperator', facts.byOperator],
  ];
  return reasons.find(([, applies]) => applies)?.[0];
}

export type LinkState = 'open' | 'changeable' | 'answered' | 'expired' | 'superseded';

/** Until when an answer first given then may be changed. */
export const changeableUntil = (answeredAt: Date): Date => new Date(answeredAt.getTime() + 24 * 60 * 60 * 1000);

export interface LinkedSurvey {
  state: string;
  reason: string | null;
  confirmation?: string | null;
  expires_at: Date | null;
}

/** What the link in a mail may still do. The clock decides, not whether somebody has noted it yet. */
export function linkState(
  { state, reason, confirmation, expires_at: expiresAt }: LinkedSurvey,
  answeredAt: Date | undefined,
  now: Date,
): LinkState {
  if (state === 'superseded') return state;
  if (state === 'skipped') return 'superseded'; // reopened just as the relay took the mail
  // Before the closing a customer is asked whether it is fixed, and no more than that.
  if (state === 'claimed' && confirmation && confirmation !== 'unreachable') return 'expired';
  if (answeredAt && reason === 'reopened') return 'superseded';
  if (answeredAt && reason === 'erased') return 'answered';
  if (answeredAt) return now < changeableUntil(answeredAt) ? 'changeable' : 'answered';
  const isOver = state === 'expired' || state === 'undeliverable' || !expiresAt || now >= expiresAt;
  return isOver ? 'expired' : 'open';
}

export type ConfirmState = 'open' | 'confirmed' | 'refused' | 'late' | 'withdrawn' | 'cancelled';

/** What the link in a mail that asks whether it is fixed may still do. What became of the report decides, not the clock. */
export function confirmState(
  { confirmation, cycle }: { confirmation: string | null; cycle: number },
  report: { status: ReportStatus; cycle: number },
): ConfirmState {
  const { status } = report;
  if (status === 'cancelled' || status === 'rejected') return 'cancelled';
  if (confirmation === 'withdrawn' || cycle < report.cycle) return 'withdrawn';
  if (status === 'closed') return confirmation === 'yes' ? 'confirmed' : 'late';
  if (confirmation === 'no') return 'refused';
  if (status !== 'resolved') return 'withdrawn'; // opened again
  if (confirmation === 'yes') return 'confirmed';
  if (confirmation === 'silence' || confirmation === 'released') return 'late'; // about to be closed
  return confirmation === 'claimed' || confirmation === 'sent' ? 'open' : 'withdrawn';
}

/** "Not solved" reopens the report while that is allowed; later a new one is opened that refers to it. */
export function reopens(reopenUntil: string | undefined, now: number): boolean {
  return reopenUntil === undefined || now <= Date.parse(reopenUntil);
}

/** A low score calls an operator, and so does a problem that is not solved. */
export function callsOperator(
  { score, solved }: { score?: Score | null; solved?: boolean | null },
  alert: Policy['alert'],
): boolean {
  return solved === false || (typeof score === 'number' && score <= alert.scoreAtMost);
}

/** A status of RFC 3463 that says that nobody can be reached there; 5.1.7 and 5.1.8 speak of the sender. */
export const isBadAddress = (status: string): boolean => /^5\.(1\.(?![78]$)\d{1,3}|2\.1)$/.test(status);

/** Who is not satisfied, or gives no score, is asked what was not good. */
export const mayComplain = (score: Score | undefined): boolean => score === undefined || score <= 3;
