/** The state of one run. Handlers of signals only note facts in it; the process acts on them. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { readCarried } from '../contract/carried.js';
import { workflowIdOf } from '../contract/ids.js';
import type { ConfirmedSignal, SurveyOperation } from '../contract/messages.js';
import type { OpenedReport, Phase, RunInput } from '../contract/reports.js';
import { changedAt, decide, nothingReceived, receiveId, type Change, type Received } from '../policy/changes.js';
import type { ByHand, Standing } from '../policy/standing.js';
import { defaultPolicy, type Policy, type PolicyRule } from '../policy/settings.js';

export interface Unwritten {
  change: Change;
  rev: number;
  /** What had been received up to this change; absent while it is not known whether the change counts. */
  received?: Received;
}

/** What was said about the survey and not acted on yet. Nothing but the run keeps it, so continue-as-new carries it. */
export interface Unhandled {
  /** The mail of a survey came back. `reason`: a status code of RFC 3463. */
  bounced?: { surveyId: string; reason: string; id?: string };
  /** What another channel said about the survey that it has to deliver. */
  delivery?: { surveyId?: string; failure?: string };
  surveyOperations: SurveyOperation[];
  /** How often this cycle's mail was rejected because of its sender. */
  senderFaults: number;
  /** ISO 8601: when to send the survey mail again that was rejected. */
  resendAt?: string;
}

export const nothingUnhandled = (): Unhandled => ({
  bounced: undefined,
  delivery: undefined,
  surveyOperations: [],
  senderFaults: 0,
  resendAt: undefined,
});

/** A run continues from the ledger, so nothing here has to survive it, except what the ledger holds (`Standing`). */
export interface RunState extends Standing, Unhandled {
  reportId: string;
  phase: Phase;
  /** The report was looked up, or just stored. */
  isKnown: boolean;
  /** Each later one is a reopening. */
  firstCycle: number;
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
  /** Signals handled so far, including those of the last run that it carried. */
  signals: number;
  /** The last change to cleared. */
  clearedBy?: Change;
  /** ISO 8601: the last clearing of this cycle that the customer was asked about, when the report was looked up. */
  askedAbout?: string;
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
  isClosedElsewhere: boolean;
  actedOnRevision: number;
  /** The window to confirm has ended. */
  isOverdue: boolean;
  /** Payload of the last signal `confirmed`, whichever clearing it is about. */
  confirmationReply?: Required<ConfirmedSignal>;
  waitingFor: string;
  until?: string;
  /** A mail that was rejected because of its sender is sent again then. */
  isResend?: true;
  /** A change that is being written. */
  change?: 'reopened' | 'cancelled';
  /** The cycle in which an operator was alerted to the number of reopenings. */
  escalatedCycle?: number;
  /** Cleared together with many others. */
  isBulk: boolean;
  /** Counts `retryNow`, so that a waiting step can see a new one. */
  retries: number;
  /** Counts `cancelled`, so that a refused step can be left. */
  cancellations: number;
  /** Holds that are being recorded. Meanwhile, no closing is attempted: the ledger refuses a hold while an attempt has the ticket. */
  holds: number;
  /** An operator closed the report where we could not. */
  closeByHand?: ByHand;
  /** An operator has left a step that cannot be done, and with it the report. */
  isAbandoned: boolean;
  /** The run ends, or continues as new: it does not look the report up any more. */
  isEnding: boolean;
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
  const carried = readCarried('closeProblemReport', input.carried);
  const changes = (carried?.changes ?? []) as Change[];
  const rest = carried?.rest as Unhandled | undefined;
  const run: RunState = {
    reportId: input.reportId,
    phase: 'open',
    isKnown: false,
    state: 'open',
    cycle: 0,
    firstCycle: 1,
    rev: 0,
    received: nothingReceived(),
    written: { state: 'open', cycle: 0, rev: 0 },
    unwritten: changes.map((change) => ({ change, rev: 0 })),
    isDirty: false,
    looksAgain: false,
    isLookingUp: false,
    changes: 0,
    signals: changes.length + (rest?.bounced ? 1 : 0) + (rest?.delivery ? 1 : 0),
    survey: { state: 'none' },
    reminded: false,
    actedOnRevision: 0,
    isOverdue: false,
    isClosedElsewhere: false,
    policy: defaultPolicy,
    knowsPolicy: false,
    waitingFor: 'the report to be looked up',
    isBulk: false,
    retries: 0,
    cancellations: 0,
    holds: 0,
    isAbandoned: false,
    isEnding: false,
    isCancelRequested: false,
    ...nothingUnhandled(),
    ...rest,
  };
  return input.opened ? { ...run, ...justOpened(input.opened) } : run;
}

/** A new report is known, except for its policy, which the first step reads. */
function justOpened({ cycle = 1, surveyId, serviceProblemId, ...rule }: OpenedReport): Partial<RunState> {
  return {
    isKnown: true,
    ownerId: workflowInfo().firstExecutionRunId, // not this run after a reset
    cycle,
    firstCycle: cycle,
    written: { state: 'open', cycle, rev: 0 },
    rule,
    customerId: rule.customerId,
    serviceProblemId,
    survey: { state: 'none', id: surveyId },
  };
}

/** `Object.assign`, restricted by type to the fields of a run. */
export const update = (run: RunState, changes: Partial<RunState>): void => void Object.assign(run, changes);

export const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();
export const shouldContinueAsNew = (): boolean => workflowInfo().continueAsNewSuggested;

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

/** Remembers the id of a message. False if it was received before. */
export function isFirst(run: RunState, id: string | undefined): boolean {
  if (id === undefined) return true;
  const received = receiveId(run.received, id);
  if (received === run.received) return false;
  run.received = received;
  run.isDirty = true;
  return true;
}

/** Each clearing of a report has a time of its own, because it identifies the clearing to the customer. */
function startClearing(run: RunState, change: Change): void {
  const at = changedAt(change);
  const last = run.clearing?.at ?? run.askedAbout;
  const isTaken = last !== undefined && Date.parse(at) === Date.parse(last);
  run.clearing = {
    at: isTaken ? new Date(Date.parse(at) + 1).toISOString() : at,
    receivedAt: change.receivedAt,
    by: change.by,
  };
  run.clearedBy = change;
  run.senderFaults = 0;
  delete run.dueAt;
}

function resetConfirmation(run: RunState): void {
  delete run.confirmation;
  delete run.confirmationReply;
  delete run.releasedBy;
  delete run.bounced;
  run.isOverdue = false;
}

/** The customer says that the problem is not fixed. */
export function reopenForCustomer(run: RunState): void {
  noteChange(run, { kind: 'reopened', source: 'customer', by: 'customer', receivedAt: fromNow(0) });
}
