/** Whether a survey may be sent, and what an answer leads to. Pure. */
import { fnv1a } from '../contract/ids.js';
import type { ReportStatus } from '../contract/reports.js';
import { scaleOf, type ScaleName } from '../contract/scale.js';
import type { SkipReason } from '../contract/survey.js';
import type { Cap } from './questions.js';
import type { Policy } from './settings.js';
import { stateOf } from './status.js';

/** Everything known when a survey is decided. Counts exclude the survey in question. */
export interface EligibilityFacts {
  status: ReportStatus;
  isCurrentCycle: boolean;
  /** Not the report's first cycle. */
  isRecleared: boolean;
  hasAddress: boolean;
  optedOut: boolean;
  suppressed: boolean;
  /** Surveys sent to the customer within `contactCap.per`. */
  sentToCustomer: number;
  /** Surveys with the same question sent to the customer within the question's own cap. */
  askedTheQuestion: number;
  /** Surveys sent for earlier cycles of this report. */
  sentForReport: number;
  /** The customer was already asked about the same service problem. */
  askedForServiceProblem: boolean;
  /** 0 to 99.99, see `sampleBucketOf`. */
  sampleBucket: number;
  byOperator: boolean;
}

/**
 * The first reason that applies for not sending a survey; undefined if none does. A report that was cleared again is exempt from the contact
 * cap, but not from the cap of the question.
 */
export function skipReason(
  facts: EligibilityFacts,
  survey: Policy['survey'],
  questionCap: Cap | null = null,
): SkipReason | undefined {
  const { contactCap } = survey;
  const state = stateOf(facts.status);
  const reasons: [SkipReason, boolean][] = [
    ['disabled', !survey.enabled],
    ['noAddress', !facts.hasAddress],
    ['optedOut', facts.optedOut],
    ['suppressed', facts.suppressed],
    ['contactCap', contactCap !== null && !facts.isRecleared && facts.sentToCustomer >= contactCap.count],
    ['questionCap', questionCap !== null && facts.askedTheQuestion >= questionCap.count],
    ['sampledOut', facts.sampleBucket >= survey.sample],
    ['once', survey.perCycle === 'once' && facts.sentForReport > 0],
    ['serviceProblem', facts.askedForServiceProblem],
    ['reopened', state !== 'cancelled' && (state !== 'closed' || !facts.isCurrentCycle)],
    ['cancelled', state === 'cancelled'],
    ['byOperator', facts.byOperator],
  ];
  return reasons.find(([, applies]) => applies)?.[0];
}

/** 0 to 99.99, evenly spread, and always the same for the same report (FNV-1a of its id, finished as in MurmurHash3). */
export function sampleBucketOf(reportId: string): number {
  let hash = fnv1a(reportId);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  const number = (hash ^ (hash >>> 16)) >>> 0;
  return (number % 100) + (Math.floor(number / 100) % 100) / 100;
}

/** An operator is alerted to a low score, and to a problem that is not solved. */
export function alertsOperator(
  { score, solved }: { score?: number | null; solved?: boolean | null },
  scoreAtMost: number,
): boolean {
  return solved === false || (typeof score === 'number' && score <= scoreAtMost);
}

/** The highest score that an operator is alerted to. */
export const alertsUpTo = ({ scoreAtMost }: Policy['alert'], scale: ScaleName = 'satisfaction'): number =>
  scoreAtMost ?? scaleOf(scale).maxAlertScore;
