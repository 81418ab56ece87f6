/** The state of a report as an operator reads it, everywhere: in the Temporal UI, on the desk, on the command line. Pure. */
import type { RunStatus } from '../contract/reports.js';
import { scoreInWords, type ScaleName } from '../contract/scale.js';
import { type SkipReason, type SurveySummary } from '../contract/survey.js';

const silence: Record<NonNullable<RunStatus['silent']>, string> = {
  worker: 'No worker answers',
  temporal: 'Temporal does not answer',
};

export interface StateInWords {
  /** One sentence for exactly this state. */
  sentence: string;
  /** What the report waits for, for a column of a list. */
  waitsFor: string;
  /** What an operator can do, as the command to type; absent if there is nothing to do. */
  command?: string;
}

/** `timeOf` writes an ISO 8601 time for the reader. */
export function stateInWords(status: RunStatus, timeOf: (iso: string) => string): StateInWords {
  const words = knownInWords(status, timeOf);
  if (!status.silent) return words;
  const sentence = `${words.sentence} ${silence[status.silent]} at the moment: changes that were sent since then are stored, but not shown yet.`;
  return { sentence, waitsFor: words.waitsFor };
}

function knownInWords(status: RunStatus, timeOf: (iso: string) => string): StateInWords {
  const { reportId: id, phase, hold, attention, until, waitingFor, isResend, change, survey, confirmation } = status;
  const by = until === undefined ? '' : ` until ${timeOf(until)}`;
  if (phase === 'needsAttention' && attention) {
    if (attention.code === 'NotConfirmed')
      return {
        sentence: `Cleared, but the customer has not said whether the problem is fixed, and the policy requires a confirmation. Waiting for an operator since ${timeOf(attention.since)}.`,
        waitsFor: 'an operator: not confirmed',
        command: `closeout release ${id}`,
      };
    return {
      sentence: `Needs attention since ${timeOf(attention.since)}: ${attention.step} failed with ${attention.failure.replace(/\.$/, '')}.`,
      waitsFor: `an operator: ${attention.code}`,
      command: `closeout ${attention.code === 'ReportNotFound' ? 'close-by-hand' : 'retry'} ${id}`,
    };
  }
  if (change)
    return {
      sentence: `Being ${change}: the system of record has not confirmed it yet.`,
      waitsFor: 'the system of record',
      command: `closeout retry ${id}`,
    };
  if (hold && (phase === 'open' || phase === 'clearing' || phase === 'confirming')) {
    const state = phase === 'open' ? 'Open' : 'Cleared';
    const note = hold.note ? `: ${hold.note}` : '';
    return {
      sentence: `${state}, and held by ${hold.by} since ${timeOf(hold.since)}${note}. It will not be closed until it is released.`,
      waitsFor: `a release, held by ${hold.by}`,
      command: `closeout release ${id}`,
    };
  }
  switch (phase) {
    case 'open':
      return {
        sentence: 'Open: waits for the fault to be cleared.',
        waitsFor: 'the fix',
        command: `closeout clear ${id}`,
      };
    case 'clearing':
      return until === undefined
        ? { sentence: 'Cleared: in its hold-down, or about to be closed.', waitsFor: 'its hold-down or closing' }
        : {
            sentence: `Cleared: must stay cleared until ${timeOf(until)}.`,
            waitsFor: 'the hold-down',
            command: `closeout reopen ${id}`,
          };
    case 'confirming':
      return confirmation === 'sent' && !isResend
        ? {
            sentence: `Cleared: the customer was asked whether the problem is fixed and can reply${by}.`,
            waitsFor: "the customer's reply",
            command: `closeout release ${id}`,
          }
        : {
            sentence: `Cleared: the confirmation mail has not been sent yet. It waits for ${waitingFor}${by}.`,
            waitsFor: 'the mail to the customer',
            command: `closeout ${hasStepToRetry(status) ? 'retry' : 'release'} ${id}`,
          };
    case 'closing':
      return {
        sentence: 'Being closed: the system of record has not confirmed it yet.',
        waitsFor: 'the system of record',
        command: `closeout retry ${id}`,
      };
    case 'surveying':
      if (isResend)
        return {
          sentence: `Closed: the survey mail was rejected because of its sender. It is sent again at ${timeOf(until ?? '')}.`,
          waitsFor: 'the survey mail',
          command: `closeout retry ${id}`,
        };
      return survey.state === 'sent'
        ? { sentence: `Closed: the customer can answer the survey${by}.`, waitsFor: "the customer's answer" }
        : {
            sentence: `Closed: the survey has not been sent yet. It waits for ${waitingFor}${by}.`,
            waitsFor: 'the survey mail',
            command: `closeout skip-survey ${id}`,
          };
    default:
      return done(status);
  }
}

/** Whether something is being tried that can be tried at once: nothing else is waited for, such as quiet hours or a customer. */
export function hasStepToRetry(status: RunStatus): boolean {
  const { phase, attention, until, isResend = false, change, confirmation } = status;
  if (phase === 'needsAttention') return attention?.code !== 'NotConfirmed';
  if (change) return true;
  switch (phase) {
    case 'closing':
      return true;
    case 'confirming':
      return attention !== undefined || isResend || (until === undefined && confirmation !== 'sent');
    case 'surveying':
      return attention !== undefined || isResend || until === undefined;
    case 'open':
    case 'clearing':
    case 'done':
      return false;
  }
}

function done({ reportId, outcome, survey, score, scale }: RunStatus): StateInWords {
  const waitsFor = 'nothing';
  if (outcome === 'cancelled') return { sentence: 'Cancelled.', waitsFor };
  const command = survey.state === 'undeliverable' ? `closeout resend-survey ${reportId}` : undefined;
  return { sentence: `Closed. ${surveyInWords(survey, score, scale)}`.trim(), waitsFor, command };
}

function surveyInWords(
  { state, reason }: SurveySummary,
  score: number | undefined,
  scale: ScaleName = 'satisfaction',
): string {
  switch (state) {
    case 'answered':
      return score === undefined
        ? 'The customer answered the survey.'
        : `The customer answered ${scoreInWords(score, scale)}.`;
    case 'skipped':
      return `The customer was not asked: ${skipInWords(reason)}.`;
    case 'expired':
      return 'The customer did not answer the survey.';
    case 'undeliverable':
      return `The survey mail could not be delivered (${reason}).`;
    case 'superseded':
      return 'The survey was withdrawn.';
    default:
      return '';
  }
}

const reasons: Record<SkipReason, string> = {
  disabled: 'the policy sends no survey',
  noAddress: 'no address is known',
  optedOut: 'the address has opted out',
  suppressed: 'mail to the address has failed before',
  contactCap: 'the customer was asked recently',
  questionCap: 'the customer was asked this question recently',
  sampledOut: 'not in the sample',
  once: 'the customer was asked about this report before',
  serviceProblem: 'the customer was asked about the same service problem',
  reopened: 'the report was reopened',
  cancelled: 'the report was cancelled',
  byOperator: 'an operator skipped the survey',
};

export const skipInWords = (reason: string | undefined): string => reasons[reason as SkipReason] ?? reason ?? 'unknown';
