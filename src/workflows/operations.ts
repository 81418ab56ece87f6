/** The operators' updates of a run, each refused with the reason if it does not fit. */
import { ApplicationFailure, CancellationScope, condition, defineUpdate, setHandler } from '@temporalio/workflow';
import {
  commandOf,
  updates,
  type OperatorRequest,
  type SurveyOperation,
  type UpdateName,
} from '../contract/messages.js';
import type { Phase, RunStatus } from '../contract/reports.js';
import type { RecordedOperation } from '../contract/timeline.js';
import type { Decision } from '../policy/standing.js';
import { hasStepToRetry } from '../policy/state-in-words.js';
import { hasEnded } from '../policy/status.js';
import { wasAsked } from './confirmation.js';
import { fenceOfDecision, noteDecided } from './ledger.js';
import { fromNow, shouldContinueAsNew, type RunState } from './run.js';
import { statusOf } from './run-status.js';
import * as steps from './steps.js';
import { textOf } from './untrusted.js';

interface Operation {
  description: string;
  /** The reason for refusing the request; undefined if it fits. */
  refuse: (run: RunState, request: OperatorRequest) => string | undefined;
  accept: (run: RunState, request: OperatorRequest) => void | Promise<void>;
}

/** While the report is being closed, the attempt is stopped; if it was faster, the request is refused. */
const canBeHeld: Record<Phase, boolean> = {
  open: true,
  clearing: true,
  confirming: true,
  closing: true,
  surveying: false,
  needsAttention: false,
  done: false,
};

/** The customer is asked to confirm, or will be after the hold-down. */
function awaitsConfirmation(run: RunState): boolean {
  const { phase, attention } = run;
  if (attention?.step === 'askConfirmation') return true;
  return run.policy.confirmation !== null && (phase === 'clearing' || phase === 'confirming');
}

const nothingToRetry = ({ phase, attention, waitingFor }: RunState): string =>
  attention ? 'the customer has not confirmed' : `this report is in phase ${phase} and waits for ${waitingFor}`;

const refuseUnlessSent = ({ survey: { state } }: RunState) =>
  state === 'sent' ? undefined : `There is no open survey: its state is ${state}`;

const authorOf = ({ by }: OperatorRequest): string => textOf(by) ?? 'operator';
const noteOf = ({ note }: OperatorRequest): string | undefined => textOf(note, Infinity);

const queue = (name: SurveyOperation['name']) => (run: RunState, request: OperatorRequest) => {
  run.surveyOperations.push({ name, by: authorOf(request), days: request.days });
};

const operations: Record<UpdateName, Operation> = {
  retryNow: {
    description: 'Retry the waiting or refused step at once.',
    refuse: (run) => (hasStepToRetry(statusOf(run)) ? undefined : `There is nothing to retry: ${nothingToRetry(run)}`),
    accept: (run) => {
      run.retries++;
      if (run.resendAt !== undefined) run.resendAt = fromNow(0);
    },
  },
  hold: {
    description: 'Do not close this report, even if it is cleared, until it is released.',
    refuse: ({ phase }) =>
      canBeHeld[phase]
        ? undefined
        : `Only a report that is not yet being closed can be held; this report is in phase ${phase}`,
    accept: async (run, request) => {
      const hold = { by: authorOf(request), note: noteOf(request), since: new Date().toISOString() };
      run.holds++;
      try {
        await record(run, () => ({ hold }), 'hold', request);
        run.hold = hold;
        run.changes++;
      } finally {
        run.holds--;
      }
    },
  },
  release: {
    description: 'Release a held report, or close a report without waiting for its customer to confirm.',
    refuse: (run) =>
      run.hold || awaitsConfirmation(run) ? undefined : 'This report is not held, and does not wait for its customer',
    accept: async (run, request) => {
      // A report that was held before its customer was asked is released to ask the customer.
      const isWaitingForCustomer = awaitsConfirmation(run) && (wasAsked(run) || !run.hold);
      const clearedAt = run.clearing?.at;
      const isSameClearing = () => run.state === 'cleared' && run.clearing?.at === clearedAt;
      const releasedBy = () => (isWaitingForCustomer && isSameClearing() ? authorOf(request) : run.releasedBy);
      const decide = () => {
        if (!run.hold && !isSameClearing()) throw refusal('release was refused: the report no longer waits for it.');
        return { hold: null, releasedBy: releasedBy() };
      };
      await record(run, decide, 'release', request);
      run.releasedBy = releasedBy();
      run.hold = undefined;
      if (run.phase === 'clearing') run.changes++; // the closing says again how long the hold-down is
    },
  },
  skipSurvey: {
    description: 'Close without asking the customer how satisfied they are.',
    refuse: ({ survey: { state } }) => (state === 'none' ? undefined : `The survey of this cycle is already ${state}`),
    accept: async (run, request) => {
      const skipSurveyBy = authorOf(request);
      await record(run, () => ({ skipSurveyBy }), 'skipSurvey', request);
      run.skipSurveyBy = skipSurveyBy;
      run.retries++; // stops a mail that waits for its next attempt
      // The mail was faster.
      if (run.survey.state === 'sent') queue('revokeSurvey')(run, request);
    },
  },
  resendSurvey: {
    description: 'Send the same survey mail again; it keeps its Message-ID.',
    refuse: (run) => (run.survey.state === 'undeliverable' ? undefined : refuseUnlessSent(run)),
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
    accept: (run, request) => {
      run.closeByHand = { by: authorOf(request), note: noteOf(request) };
    },
  },
};

/**
 * What an operator decided counts once it is in the ledger, so that it outlives the run. `decide` is asked before each attempt, because the
 * report may have changed.
 */
async function record(
  run: RunState,
  decide: () => Omit<Decision, 'operation'>,
  name: RecordedOperation,
  request: OperatorRequest,
): Promise<void> {
  const operation = { name, by: authorOf(request), note: noteOf(request) };
  for (let attempts = 1; attempts <= 3; attempts++) {
    const decision = { ...decide(), operation };
    const fence = fenceOfDecision(run);
    const options = steps.untilGivenUp(run);
    const { isSuperseded, state } = await steps.recordDecision.executeWithOptions(options, [{ fence, decision }]);
    if (!isSuperseded && decision.hold && hasEnded(state))
      throw refusal(`${commandOf(name)} was refused: the report is ${state} already.`);
    if (!isSuperseded) return noteDecided(run, fence);
    run.looksAgain ||= attempts > 1; // the first time, the run itself may have written meanwhile
    const isLookedUp = () => !run.looksAgain && !run.isLookingUp;
    await condition(() => isLookedUp() || run.isEnding);
    if (!isLookedUp()) throw ending(name);
  }
  throw refusal(`${commandOf(name)} was refused: another run owns this report.`);
}

const refusal = (message: string): ApplicationFailure => ApplicationFailure.nonRetryable(message, 'StatusConflict');

/** The next run, or what the ledger holds by then, can say more. */
const ending = (name: UpdateName): ApplicationFailure =>
  ApplicationFailure.nonRetryable(
    `${commandOf(name)} was not possible: the run is ending or continuing as new; try again.`,
    'TemporalUnavailable',
  );

export function acceptOperations(run: RunState): void {
  for (const name of Object.keys(updates) as UpdateName[]) {
    const { description, refuse, accept } = operations[name];
    const check = (request: OperatorRequest) => {
      const reason = refuse(run, request);
      if (reason) throw refusal(`${commandOf(name)} was refused: ${reason}.`);
    };
    // Validators must be synchronous: an async one breaks the run (measured). Before the report is known, anything may fit. What is
    // refused here leaves no trace in the history, so nothing else may come of its workflow task, as continuing as new would.
    const validator = (request?: OperatorRequest) => {
      if (run.isEnding) throw ending(name);
      if (!shouldContinueAsNew() && (run.isKnown || run.attention)) check(request ?? {});
    };
    const handle = async (request?: OperatorRequest): Promise<RunStatus> => {
      if (shouldContinueAsNew()) throw ending(name);
      if (!run.isKnown && !run.attention) {
        await condition(() => run.isKnown || run.attention !== undefined || run.isEnding);
        if (run.isEnding) throw ending(name);
        check(request ?? {});
      }
      await accept(run, request ?? {});
      return statusOf(run);
    };
    // A cancel request through Temporal does not end a report, and so ends no update either.
    const handleAlways = (request?: OperatorRequest) => CancellationScope.nonCancellable(() => handle(request));
    setHandler(defineUpdate<RunStatus, [OperatorRequest?]>(name), handleAlways, { validator, description });
  }
}
