/** The operators' updates of a run, each refused with the reason if it does not fit. */
import { ApplicationFailure, defineUpdate, setHandler } from '@temporalio/workflow';
import { updates, type OperatorRequest, type SurveyOperation, type UpdateName } from '../contract/messages.js';
import type { Phase, RunStatus } from '../contract/reports.js';
import { policyOf, statusOf, type RunState } from './run.js';

interface Operation {
  description: string;
  /** The reason for refusing the request; undefined if it fits. */
  refuse: (run: RunState, request: OperatorRequest) => string | undefined;
  accept: (run: RunState, request: OperatorRequest) => void;
}

/** Before the report's closing starts. */
const canBeHeld: Record<Phase, boolean> = {
  open: true,
  clearing: true,
  confirming: true,
  closing: false,
  surveying: false,
  needsAttention: false,
  done: false,
};

const hasStepToRetry: Record<Phase, boolean> = {
  open: false,
  clearing: false,
  confirming: true,
  closing: true,
  surveying: true,
  needsAttention: true,
  done: false,
};

/** The customer is asked to confirm, or will be after the hold-down. */
function awaitsConfirmation(run: RunState): boolean {
  const { phase, attention } = run;
  if (attention?.step === 'askConfirmation') return true;
  return policyOf(run).confirmation !== null && (phase === 'clearing' || phase === 'confirming');
}

const refuseUnlessSent = ({ survey: { state } }: RunState) =>
  state === 'sent' ? undefined : `There is no open survey: it is ${state}`;

const authorOf = ({ by }: OperatorRequest): string => (typeof by === 'string' ? by : 'operator');

const queue = (name: SurveyOperation['name']) => (run: RunState, request: OperatorRequest) => {
  run.surveyOperations.push({ name, by: authorOf(request), days: request.days });
};

const operations: Record<UpdateName, Operation> = {
  retryNow: {
    description: 'Retry the waiting or refused step at once.',
    refuse: ({ phase }) =>
      hasStepToRetry[phase]
        ? undefined
        : `There is a step to retry only while confirming, closing, surveying or in needsAttention; this report is in phase ${phase}`,
    accept: (run) => {
      run.retries++;
    },
  },
  hold: {
    description: 'Do not close this report, even if it is cleared, until it is released.',
    refuse: ({ phase }) =>
      canBeHeld[phase]
        ? undefined
        : `Only a report that is not yet being closed can be held; this report is in phase ${phase}`,
    accept: (run) => {
      run.held = true;
    },
  },
  release: {
    description: 'Release a held report, or close a report without waiting for its customer to confirm.',
    refuse: (run) =>
      run.held || awaitsConfirmation(run) ? undefined : 'This report is not held, and does not wait for its customer',
    accept: (run, request) => {
      // A report that was held before its customer was asked is released to ask the customer.
      const isWaitingForCustomer = awaitsConfirmation(run) && (run.confirmation !== undefined || !run.held);
      if (isWaitingForCustomer) run.releasedBy = authorOf(request);
      run.held = false;
    },
  },
  skipSurvey: {
    description: 'Close without asking the customer how satisfied they are.',
    refuse: ({ survey: { state } }) => (state === 'none' ? undefined : `The survey of this cycle is already ${state}`),
    accept: (run) => {
      run.skipSurvey = true;
      run.retries++; // stops a mail that waits for its next attempt
    },
  },
  resendSurvey: {
    description: 'Send the same survey mail again; it keeps its Message-ID.',
    refuse: refuseUnlessSent,
    accept: queue('resendSurvey'),
  },
  revokeSurvey: {
    description: 'End the open survey: its link then says that it has ended.',
    refuse: refuseUnlessSent,
    accept: queue('revokeSurvey'),
  },
  extendSurvey: {
    description: 'Give the customer more time to answer: { "days" }, 1 to 90.',
    refuse: (run, { days = 0 }) => {
      const isInRange = Number.isInteger(days) && days >= 1 && days <= 90;
      return refuseUnlessSent(run) ?? (isInRange ? undefined : 'days must be 1 to 90');
    },
    accept: queue('extendSurvey'),
  },
  closeByHand: {
    description: 'Record that the report was closed by hand, and continue. Give { "note" }.',
    refuse: ({ phase }) =>
      phase === 'needsAttention'
        ? undefined
        : `Closing by hand is for a report in needsAttention; this report is in phase ${phase}`,
    accept: (run) => {
      run.closeByHand = true;
    },
  },
};

export function acceptOperations(run: RunState): void {
  for (const name of Object.keys(updates) as UpdateName[]) {
    const { description, refuse, accept } = operations[name];
    // Validators must be synchronous: an async one breaks the run (measured).
    const validator = (request?: OperatorRequest) => {
      const reason = refuse(run, request ?? {});
      if (reason) throw ApplicationFailure.nonRetryable(`${name} was refused: ${reason}.`, 'StatusConflict');
    };
    const handle = (request?: OperatorRequest): RunStatus => {
      accept(run, request ?? {});
      return statusOf(run);
    };
    setHandler(defineUpdate<RunStatus, [OperatorRequest?]>(name), handle, { validator, description });
  }
}
