/** The state of one run, and the signals that change it. Handlers only note facts; the process acts on them. */
import { ApplicationFailure, defineQuery, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { workflowIdOf } from '../contract/ids.js';
import {
  queries,
  signals,
  type AnsweredSignal,
  type BouncedSignal,
  type ChangeSignal,
  type ConfirmedSignal,
  type SurveyOperation,
} from '../contract/messages.js';
import type { Attention, ChangeKind, Phase, RunInput, RunStatus } from '../contract/reports.js';
import { isScore, type ConfirmationRecord, type SurveyRecord } from '../contract/survey.js';
import { defaultPolicy, type Policy } from '../policy/settings.js';
import { apply, changeTime, isLate, type Change, type ReportState } from '../policy/status.js';

/** Plain JSON, so that continue-as-new can carry all of it. */
export interface RunState extends ReportState {
  reportId: string;
  phase: Phase;
  /** Set by a reopening until the run acts on it. A `cleared` may follow before the run looks. */
  reopenedAt?: string;
  /** ISO 8601: when this run received the change to cleared, whatever time the change states. */
  clearReceivedAt?: string;
  /** The author of the last change, for the status history of the report. */
  changedBy?: string;
  customerId?: string;
  serviceProblemId?: string;
  /** Known once the report was looked up. */
  policy?: Policy;
  survey: SurveyRecord;
  reminded: boolean;
  answer?: AnsweredSignal;
  /** RFC 3463 status code of the bounce of this cycle's mail. */
  bounced?: string;
  /** The confirmation of this clearing. */
  confirmation?: ConfirmationRecord & { warnAt?: string; isOverdue?: boolean };
  /** Payload of the last signal `confirmed`, whichever clearing it is about. */
  confirmationReply?: Required<ConfirmedSignal>;
  /** The operator who does not want to wait for the customer's confirmation. */
  releasedBy?: string;
  attention?: Attention;
  waitingFor: string;
  until?: string;
  held: boolean;
  /** The cycle in which an operator was alerted to the number of reopenings. */
  escalatedCycle?: number;
  /** Cleared together with many others. */
  isBulk: boolean;
  /** Counts `retryNow`, so that a waiting step can see a new one. */
  retries: number;
  skipSurvey: boolean;
  surveyOperations: SurveyOperation[];
  closeByHand: boolean;
  /** Changes that arrived before the report was looked up. */
  pendingChanges?: Change[];
}

/** Creates the state, then sets the handlers, without awaiting in between: no message that arrived early is lost. */
export function beginRun(input: RunInput): RunState {
  const run = (input?.carried as RunState | undefined) ?? newRun(input);
  for (const kind of ['cleared', 'reopened', 'cancelled'] as const) acceptChange(run, kind);
  setHandler(defineSignal<[AnsweredSignal?]>(signals.answered), (answer) => noteAnswer(run, answer), {
    description: 'The customer answered the survey. Sent once the answer is stored.',
  });
  setHandler(defineSignal<[BouncedSignal?]>(signals.bounced), (bounce) => noteBounce(run, bounce), {
    description: 'The mail to the customer bounced.',
  });
  setHandler(defineSignal<[ConfirmedSignal?]>(signals.confirmed), (confirmed) => noteConfirmed(run, confirmed), {
    description: 'The customer said whether the problem is fixed. Sent once the reply is stored.',
  });
  setHandler(defineSignal(signals.opened), () => noteOpened(run), {
    description: 'The report was stored after this run started. Sent when a report is opened.',
  });
  setHandler(defineQuery<RunStatus>(queries.status), () => statusOf(run), {
    description: 'Phase, cycle, what the run waits for and until when, survey, confirmation, and what needs attention.',
  });
  return run;
}

function newRun(input: RunInput): RunState {
  const { workflowId } = workflowInfo();
  if (typeof input?.reportId !== 'string' || workflowId !== workflowIdOf(input.reportId)) {
    throw ApplicationFailure.nonRetryable(
      `Input must be { "reportId": "ID" } and the workflow id "${workflowIdOf('ID')}" with the same ID; this run is "${workflowId}".`,
      'BadInput',
    );
  }
  return {
    reportId: input.reportId,
    phase: 'open',
    state: 'open',
    cycle: 0,
    changedAt: null,
    waitingFor: 'the report to be looked up',
    held: false,
    isBulk: false,
    retries: 0,
    pendingChanges: [],
    ...freshCycle(),
  };
}

type CycleState = Pick<
  RunState,
  'survey' | 'reminded' | 'answer' | 'bounced' | 'skipSurvey' | 'surveyOperations' | 'closeByHand'
>;

/** The state that every cycle starts with. */
export const freshCycle = (): CycleState => ({
  survey: { state: 'none' },
  reminded: false,
  answer: undefined,
  bounced: undefined,
  skipSurvey: false,
  surveyOperations: [],
  closeByHand: false,
});

export const policyOf = (run: RunState): Policy => run.policy ?? defaultPolicy;
export const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();
export const shouldContinueAsNew = (): boolean => workflowInfo().continueAsNewSuggested;

const changeDescriptions: Record<ChangeKind, string> = {
  cleared: 'The fault is gone (TMF621: resolved). Optional payload: { "at": ISO time, "by", "note" }.',
  reopened: 'The fault is back, or the problem was not solved. Optional payload: { "at": ISO time, "by", "reason" }.',
  cancelled:
    'The report was raised in error; it ends without a survey. Optional payload: { "at": ISO time, "by", "reason" }.',
};

function acceptChange(run: RunState, kind: ChangeKind): void {
  const handle = (payload?: ChangeSignal) => {
    const change = { kind, at: changeTime(payload?.at, Date.now()) };
    if (run.pendingChanges) run.pendingChanges.push(change);
    else noteChange(run, change);
    run.changedBy = typeof payload?.by === 'string' ? payload.by : undefined;
    run.isBulk = payload?.bulk === true;
  };
  setHandler(defineSignal<[ChangeSignal?]>(signals[kind]), handle, { description: changeDescriptions[kind] });
}

export function noteChange(run: RunState, change: Change): void {
  const after = apply(run, change);
  if (!after) return;
  if (change.kind === 'reopened') run.reopenedAt = change.at;
  if (after.state === 'cleared' && run.state !== 'cleared') run.clearReceivedAt = fromNow(0);
  Object.assign(run, after);
}

/** The customer says that the problem is not fixed. This is never late, even if another system's clock is ahead. */
export function reopenForCustomer(run: RunState): void {
  const now = new Date().toISOString();
  noteChange(run, { kind: 'reopened', at: isLate(now, run.changedAt) ? (run.changedAt ?? now) : now });
  run.changedBy = 'customer';
}

/** Ignores what is no score, and answers to the survey of another cycle. */
function noteAnswer(run: RunState, answer: AnsweredSignal | undefined): void {
  if (!isAboutOurSurvey(run, answer)) return;
  const { surveyId, score, solved, revision } = answer;
  if ((revision ?? 1) < (run.answer?.revision ?? 1)) return; // late
  run.answer = {
    surveyId,
    score: isScore(score) ? score : undefined,
    solved: typeof solved === 'boolean' ? solved : undefined,
    revision: typeof revision === 'number' ? revision : undefined,
  };
}

/** Looks the report up again at once, unless it was found already. */
function noteOpened(run: RunState): void {
  if (run.pendingChanges) run.retries++;
}

function noteConfirmed(run: RunState, confirmed: ConfirmedSignal | undefined): void {
  const { surveyId, clearedAt, fixed } = confirmed ?? {};
  if (typeof surveyId !== 'string' || typeof clearedAt !== 'string' || typeof fixed !== 'boolean') return;
  const before = run.confirmationReply;
  if (before && isLate(clearedAt, before.clearedAt)) return; // about an earlier clearing
  run.confirmationReply = { surveyId, clearedAt, fixed };
}

function noteBounce(run: RunState, bounce: BouncedSignal | undefined): void {
  if (isAboutOurSurvey(run, bounce)) run.bounced = typeof bounce.reason === 'string' ? bounce.reason : 'bounced';
}

function isAboutOurSurvey<T extends { surveyId?: string }>(run: RunState, message: T | undefined): message is T {
  const { surveyId } = message ?? {};
  if (typeof surveyId !== 'string') return false;
  if (run.confirmation?.surveyId === surveyId) return true;
  if (run.phase !== 'surveying' && !run.pendingChanges) return false;
  return run.survey.id === undefined || run.survey.id === surveyId;
}

/** Removes the confirmation when the clearing it is about ends. */
export function resetConfirmation(run: RunState): void {
  delete run.confirmation;
  delete run.confirmationReply;
  delete run.releasedBy;
  delete run.bounced;
}

export function statusOf(run: RunState): RunStatus {
  const { reportId, phase, cycle, held, waitingFor, until, attention, confirmation } = run;
  const { state, reason } = run.survey;
  return {
    reportId,
    phase,
    cycle,
    held,
    waitingFor,
    until,
    survey: { state, reason },
    confirmation: confirmation?.state,
    attention,
  };
}
