/** The state of one run, and the signals that change it. Handlers only note facts; the process acts on them. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { workflowIdOf } from '../contract/ids.js';
import type { AnsweredSignal, ConfirmedSignal, SurveyOperation } from '../contract/messages.js';
import type { Attention, OpenedReport, Phase, RunInput } from '../contract/reports.js';
import type { LookedUp } from '../activities/look-up-report.js';
import type { ByHand, Fence, Standing } from '../policy/standing.js';
import {
  changedAt,
  changesBetween,
  decide,
  nothingReceived,
  systemOfRecord,
  type Change,
  type Received,
} from '../policy/changes.js';
import { defaultPolicy, type Policy, type PolicyRule } from '../policy/settings.js';

export interface Unwritten {
  change: Change;
  rev: number;
  /** What had been received up to this change; absent while it is not known whether the change counts. */
  received?: Received;
}

/** A run continues from the ledger, so nothing here has to survive it, except what the ledger holds (`Standing`). */
export interface RunState extends Standing {
  reportId: string;
  phase: Phase;
  /** The report was looked up, or just stored. */
  isKnown: boolean;
  /** The run that owned the ledger's row when it was last looked up: not this one after a reset. */
  ownerId?: string;
  /** What the ledger holds. */
  written: Pick<Standing, 'state' | 'cycle' | 'rev'>;
  /** Changes that count and that the ledger does not hold yet, with their revisions. */
  unwritten: Unwritten[];
  /** The ledger lacks some of what was received. */
  isDirty: boolean;
  /** Has to look the report up again. */
  looksAgain: boolean;
  isLookingUp: boolean;
  /** Counts what changes the course of the run: changes that count, and holds. */
  changes: number;
  /** Signals handled so far. */
  signals: number;
  /** The last change to cleared. */
  clearedBy?: Change;
  /** ISO 8601: since when nothing has had to be waited for before the closing, if anything had. */
  dueAt?: string;
  policy: Policy;
  /** The policy was read; until then, it is the default. */
  knowsPolicy: boolean;
  /** What the policy was chosen by. */
  rule?: PolicyRule;
  customerId?: string;
  serviceProblemId?: string;
  /** The external system in which the ticket lives. */
  system?: string;
  /** Another program has closed the report while it was cleared: nothing is waited for any more. */
  isClosedThere: boolean;
  actedOnRevision: number;
  /** RFC 3463 status code of the bounce of this cycle's mail. */
  bounced?: string;
  /** What another channel said about the survey that it has to deliver. */
  delivery?: { surveyId?: string; failure?: string };
  /** How often this cycle's mail came back because of us. */
  senderFaults: number;
  /** The window to confirm has ended. */
  isOverdue: boolean;
  /** Payload of the last signal `confirmed`, whichever clearing it is about. */
  confirmationReply?: Required<ConfirmedSignal>;
  attention?: Attention;
  waitingFor: string;
  until?: string;
  /** The cycle in which an operator was alerted to the number of reopenings. */
  escalatedCycle?: number;
  /** Cleared together with many others. */
  isBulk: boolean;
  /** Counts `retryNow`, so that a waiting step can see a new one. */
  retries: number;
  /** Counts `cancelled`, so that a refused step can be left. */
  cancellations: number;
  surveyOperations: SurveyOperation[];
  /** An operator closed the report where we could not. */
  closeByHand?: ByHand;
  /** An operator has left a step that cannot be done, and with it the report. */
  isLeft: boolean;
  /** Somebody asked Temporal to cancel the workflow. */
  isCancelRequested: boolean;
}

export function newRun(input: RunInput): RunState {
  const { workflowId } = workflowInfo();
  if (typeof input?.reportId !== 'string' || workflowId !== workflowIdOf(input.reportId)) {
    throw ApplicationFailure.nonRetryable(
      `Input must be { "reportId": "ID" } and the workflow id "${workflowIdOf('ID')}" with the same ID; this run is "${workflowId}".`,
      'BadInput',
    );
  }
  const run: RunState = {
    reportId: input.reportId,
    phase: 'open',
    isKnown: false,
    state: 'open',
    cycle: 0,
    rev: 0,
    received: nothingReceived(),
    written: { state: 'open', cycle: 0, rev: 0 },
    unwritten: ((input.carried?.changes ?? []) as Change[]).map((change) => ({ change, rev: 0 })),
    isDirty: false,
    looksAgain: false,
    isLookingUp: false,
    changes: 0,
    signals: 0,
    survey: { state: 'none' },
    reminded: false,
    actedOnRevision: 0,
    senderFaults: 0,
    isOverdue: false,
    isClosedThere: false,
    policy: defaultPolicy,
    knowsPolicy: false,
    waitingFor: 'the report to be looked up',
    isBulk: false,
    retries: 0,
    cancellations: 0,
    surveyOperations: [],
    isLeft: false,
    isCancelRequested: false,
  };
  return input.opened ? { ...run, ...justOpened(input.opened) } : run;
}

/** A new report is known, except for its policy, which the first step reads. */
function justOpened({ surveyId, serviceProblemId, ...rule }: OpenedReport): Partial<RunState> {
  return {
    isKnown: true,
    ownerId: workflowInfo().firstExecutionRunId, // not this run after a reset
    cycle: 1,
    written: { state: 'open', cycle: 1, rev: 0 },
    rule,
    customerId: rule.customerId,
    serviceProblemId,
    survey: { state: 'none', id: surveyId },
  };
}

export const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();
export const shouldContinueAsNew = (): boolean => workflowInfo().continueAsNewSuggested;

/**
 * Every write to the ledger carries the number of the change that it writes, and what was received with it. It counts the signals only
 * if nothing remains to be written: if the run is lost, its successor receives the rest again.
 */
export function fenceOf(run: RunState, rev: number, what: string): Fence {
  const { reportId, cycle, received, signals, unwritten } = run;
  const fence = { reportId, runId: workflowInfo().runId, cycle, rev, what };
  if (unwritten.every((change) => change.rev <= rev)) return { ...fence, received, signals };
  return { ...fence, received: unwritten.find((change) => change.rev === rev)?.received };
}

/** A write of the run's own, such as the closing, has a number too: whatever arrives meanwhile is newer. */
export function nextFence(run: RunState, what: string): Fence {
  run.rev++;
  return fenceOf(run, run.rev, what);
}

/** For a write that leaves the state of the report as it is. */
export function fenceOfDecision(run: RunState): Fence {
  const { received, signals, ...fence } = nextFence(run, `decision ${fromNow(0)}`);
  return run.unwritten.length === 0 ? { ...fence, received, signals } : fence;
}

/** Notes a change. Before the report is looked up, it is not known whether it counts. */
export function noteChange(run: RunState, change: Change): void {
  if (!run.isKnown) {
    run.unwritten.push({ change, rev: 0 });
    return;
  }
  const { decided, isNew } = decide(run, change);
  if (decided.received !== run.received) run.isDirty = true;
  run.received = decided.received;
  if (!isNew) return;
  run.state = decided.state;
  run.rev = decided.rev;
  run.changes++;
  run.unwritten.push({ change, rev: run.rev, received: run.received });
  resetConfirmation(run);
  if (change.kind === 'cleared') startClearing(run, change);
}

/** Each clearing of a report has a time of its own, because it identifies the clearing to the customer. */
function startClearing(run: RunState, change: Change): void {
  const at = changedAt(change);
  const last = run.clearing?.at;
  const isTaken = last !== undefined && Date.parse(at) === Date.parse(last);
  run.clearing = {
    at: isTaken ? new Date(Date.parse(at) + 1).toISOString() : at,
    receivedAt: change.receivedAt,
    by: change.by,
  };
  run.clearedBy = change;
  delete run.dueAt;
}

function resetConfirmation(run: RunState): void {
  delete run.confirmation;
  delete run.confirmationReply;
  delete run.releasedBy;
  delete run.bounced;
  run.isOverdue = false;
}

/** The ledger now holds everything up to this revision. */
export function noteWritten(
  run: RunState,
  { rev, received }: Fence,
  { state, cycle }: Pick<Standing, 'state' | 'cycle'>,
): void {
  run.written = { state, cycle, rev };
  run.unwritten = run.unwritten.filter((change) => change.rev > rev);
  run.cycle = cycle;
  if (received === run.received) run.isDirty = false;
  // What was decided meanwhile is newer than what was written.
  if (run.unwritten.length === 0) run.state = state;
}

/** The ledger now holds a decision that leaves the state of the report as it is. */
export function noteDecided(run: RunState, { rev, received }: Fence): void {
  run.written.rev = rev;
  if (received === run.received) run.isDirty = false;
}

/** The change of this kind that the ledger does not hold yet. */
export const unwrittenChange = (run: RunState, kind: Change['kind']): Unwritten | undefined =>
  run.unwritten.filter(({ change }) => change.kind === kind).at(-1);

/** What JSON omits. */
const unset = {
  clearing: undefined,
  closedAt: undefined,
  hold: undefined,
  releasedBy: undefined,
  skipSurveyBy: undefined,
  confirmation: undefined,
  answer: undefined,
  customerId: undefined,
  serviceProblemId: undefined,
  system: undefined,
} satisfies Partial<RunState>;

/** Adopts what the ledger holds, and applies to it the changes that the run has received and not written. */
export function adopt(run: RunState, found: LookedUp): void {
  const { observed, runId, ...standing } = found;
  const { unwritten, answer, isKnown, written: before } = run;
  const isSameCycle = isKnown && run.cycle === found.cycle;
  const fresh = { isKnown: true, knowsPolicy: true, looksAgain: false, isDirty: false, unwritten: [] };
  Object.assign(run, unset, standing, fresh, { ownerId: runId });
  run.written = { state: found.state, cycle: found.cycle, rev: found.rev };
  if (before.state !== found.state || before.cycle !== found.cycle) run.changes++;
  if (answer && isNewerAnswer(run, answer)) run.answer = answer;
  if (!isSameCycle) delete run.bounced;
  // What was seen in the system of record before is not repeated: what is seen there now counts.
  for (const { change } of unwritten) if (change.source !== systemOfRecord) noteChange(run, change);
  if (observed)
    for (const kind of changesBetween(run.state, observed))
      noteChange(run, { kind, source: systemOfRecord, receivedAt: fromNow(0) });
  if (observed === 'closed' && !run.isClosedThere) run.changes++;
  run.isClosedThere = observed === 'closed';
}

const isNewerAnswer = ({ survey, answer: known }: RunState, answer: AnsweredSignal): boolean =>
  survey.id === answer.surveyId && (answer.revision ?? 1) > (known?.revision ?? 0);

/** The customer says that the problem is not fixed. */
export function reopenForCustomer(run: RunState): void {
  noteChange(run, { kind: 'reopened', source: 'customer', by: 'customer', receivedAt: fromNow(0) });
}
