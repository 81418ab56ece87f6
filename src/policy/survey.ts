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

export type LinkState = 'open' | 'answered' | 'expired' | 'superseded';

/** What the link in a mail may still do. The clock decides on expiry, not whether somebody has noted it yet. */
export function linkState(state: string, expiresAt: Date, now: Date): LinkState {
  if (state === 'answered' || state === 'superseded') return state;
  return state === 'expired' || state === 'undeliverable' || now >= expiresAt ? 'expired' : 'open';
}

/** A low score calls an operator. */
export function callsOperator(score: Score | undefined, alert: Policy['alert']): boolean {
  return score !== undefined && score <= alert.scoreAtMost;
}
