/**
 * eTOM 1.3.7.4 "Close Customer Problem Report", one run per report per cycle:
 *
 *   open → clearing → confirming → closing → surveying → done
 *
 * A reopened report starts over; a cancelled one is done. Activities do what a step needs; this file decides what comes next.
 */
import { allHandlersFinished, condition, continueAsNew, sleep } from '@temporalio/workflow';
import type { Phase, RunInput, RunResult } from '../contract/reports.js';
import { isLate } from '../policy/status.js';
import { raiseAlert } from './alert-operator.js';
import { attemptOrPark } from './attempt-or-park.js';
import { confirmWithCustomer } from './confirmation.js';
import { acceptOperations } from './operations.js';
import {
  beginRun,
  freshCycle,
  fromNow,
  noteChange,
  policyOf,
  resetConfirmation,
  shouldContinueAsNew,
  type RunState,
} from './run.js';
import * as steps from './steps.js';
import { handleAnswer, isAnswered, startSurvey, waitForAnswer } from './survey.js';
import { publish, surveyOutcome } from './visibility.js';

export async function closeProblemReport(input: RunInput): Promise<RunResult> {
  const run = beginRun(input);
  acceptOperations(run);
  let next = run.pendingChanges ? await lookUp(run) : (run.phase as NextPhase);
  while (next !== 'done') {
    run.phase = next;
    if (shouldContinueAsNew()) await continueRun(run);
    next = await phaseHandlers[next](run);
  }
  run.phase = next;
  publish(run, { waitingFor: 'nothing' });
  await condition(allHandlersFinished);
  return resultOf(run);
}

type NextPhase = Exclude<Phase, 'needsAttention'>;

const phaseHandlers: Record<Exclude<NextPhase, 'done'>, (run: RunState) => Promise<NextPhase>> = {
  open,
  clearing,
  confirming,
  closing,
  surveying,
};

/** Reads the report's state. The system of record, not Temporal, knows the cycle and whether the report is closed. */
async function lookUp(run: RunState): Promise<NextPhase> {
  const { reportId } = run;
  // An early cancellation ends the run only if there is no report: otherwise the report itself must be cancelled too.
  const isCancelled = () => run.pendingChanges?.some(({ kind }) => kind === 'cancelled') ?? false;
  const isGivenUp = () => run.phase === 'needsAttention' && (run.closeByHand || isCancelled());
  const found = await attemptOrPark(run, 'lookUpReport', () => steps.lookUpReport({ reportId }), isGivenUp);
  const changes = run.pendingChanges ?? [];
  delete run.pendingChanges;
  if (!found) {
    // Ending in the task that answers the operator would lose the answer if another event arrives in that task.
    if (run.closeByHand) await sleep('1s', { summary: 'Until the update is answered' });
    run.state = run.closeByHand ? 'closed' : 'cancelled';
    run.changedAt = null;
    return 'done';
  }
  Object.assign(run, found);
  if (run.answer?.surveyId !== run.survey.id) delete run.answer; // about the survey of another cycle
  for (const change of changes) noteChange(run, change);
  if (found.state !== 'closed') return 'open';
  // The survey may still be open, and an answer or its change may arrive after the run that asked has ended.
  const isUnfinished = run.state !== 'closed' || run.survey.state === 'sent' || isAnswered(run);
  return isUnfinished ? 'surveying' : 'done';
}

async function open(run: RunState): Promise<NextPhase> {
  if (run.state === 'open') {
    await escalate(run);
    publish(run, { waitingFor: 'the signal `cleared`' });
    await condition(() => run.state !== 'open' || shouldContinueAsNew());
  }
  return run.state === 'open' ? 'open' : afterChange(run);
}

/** Waits out the hold-down, then for the release of a held report. */
async function clearing(run: RunState): Promise<NextPhase> {
  const isChanged = changedSince(run, run.changedAt);
  const { holdDown, confirmation } = policyOf(run);
  if (holdDown > 0) {
    publish(run, { waitingFor: 'the report to stay cleared', until: fromNow(holdDown) });
    await condition(isChanged, holdDown, { summary: 'Hold-down: stays cleared?' });
  }
  await untilReleased(run, isChanged);
  if (isChanged()) return afterChange(run);
  return confirmation ? 'confirming' : 'closing';
}

/** Asks the customer whether the problem is fixed, and closes on silence only if the policy says so. */
async function confirming(run: RunState): Promise<NextPhase> {
  const isChanged = changedSince(run, run.confirmation?.clearedAt ?? run.changedAt);
  if (!isChanged()) await confirmWithCustomer(run, isChanged);
  if (!isChanged() && shouldContinueAsNew()) return 'confirming';
  await untilReleased(run, isChanged);
  if (isChanged()) return afterChange(run);
  return 'closing';
}

/** Whether the report was reopened or cancelled since it was cleared, even if it was cleared again since. */
const changedSince = (run: RunState, clearedAt: string | null) => (): boolean =>
  run.state !== 'cleared' ||
  (run.reopenedAt !== undefined && clearedAt !== null && Date.parse(run.reopenedAt) > Date.parse(clearedAt));

async function untilReleased(run: RunState, isChanged: () => boolean): Promise<void> {
  if (!run.held || isChanged()) return;
  publish(run, { waitingFor: 'an operator to release the report' });
  await condition(() => isChanged() || !run.held);
}

async function closing(run: RunState): Promise<NextPhase> {
  publish(run, { waitingFor: 'the system of record to confirm the closing' });
  delete run.reopenedAt;
  const { reportId, cycle, changedBy, clearReceivedAt } = run;
  const clearedAt = run.changedAt ?? new Date().toISOString();
  const options = steps.forAtMost(policyOf(run).closing.giveUpAfter, run);
  const close = () =>
    steps.closeReport.executeWithOptions(options, [
      { reportId, cycle, clearedAt, clearReceivedAt, clearedBy: changedBy, byHand: run.closeByHand },
    ]);
  const closed = await attemptOrPark(run, 'closeReport', close, () => run.state !== 'cleared');
  if (!closed) return afterChange(run);
  if (closed.cycle !== cycle) return reopen(run);
  if (closed.state !== 'closed') {
    Object.assign(run, closed); // the system of record knew of a newer change
    return afterChange(run);
  }
  // All changes that arrived during the closing came to a closed report: only a reopening counts.
  if (!run.reopenedAt) run.state = 'closed';
  return 'surveying';
}

/** The report is closed. Nothing that happens to the survey undoes that, except a customer or service that reopens it. */
async function surveying(run: RunState): Promise<NextPhase> {
  const isReopened = () => run.state !== 'closed';
  const isOver = () => isReopened() || isAnswered(run);
  if (run.survey.state === 'none' && !isOver()) await startSurvey(run, isOver);
  while (run.survey.state === 'sent' && !isOver()) {
    if (shouldContinueAsNew()) return 'surveying';
    await waitForAnswer(run, isOver);
  }
  if (isAnswered(run)) await handleAnswer(run);
  return isReopened() ? reopen(run) : 'done';
}

/** The next phase after the state changed. */
async function afterChange(run: RunState): Promise<NextPhase> {
  switch (run.state) {
    case 'open':
      return reopen(run);
    case 'cleared': // perhaps reopened and cleared again before the run looked: the clearing starts over
      resetConfirmation(run);
      delete run.reopenedAt;
      return 'clearing';
    case 'closed':
      return 'surveying';
    case 'cancelled':
      return cancel(run);
  }
}

/** A report that was closed starts its next cycle in a new run; one that was not yet closed goes back to `open`. */
async function reopen(run: RunState): Promise<NextPhase> {
  publish(run, { waitingFor: 'the system of record to reopen the report' });
  const { reportId, cycle, changedBy } = run;
  const at = run.reopenedAt ?? run.changedAt ?? new Date().toISOString();
  const step = () => steps.reopenReport({ reportId, cycle, at, by: changedBy });
  const reopened = await attemptOrPark(run, 'reopenReport', step, never);
  delete run.reopenedAt;
  resetConfirmation(run);
  if (!reopened) return run.state === 'closed' ? 'surveying' : 'open';
  if (reopened.survey) run.survey = reopened.survey;
  // The system of record's last change is not older than the run's: the run adopts its state.
  if (!isLate(reopened.changedAt ?? at, run.changedAt)) {
    run.state = reopened.state;
    run.changedAt = reopened.changedAt;
  }
  if (reopened.cycle > cycle) {
    publish(run, { waitingFor: 'the next cycle, in a new run' });
    await continueRun({ ...run, ...freshCycle(), cycle: reopened.cycle, phase: 'open' });
  }
  return run.state === 'closed' ? 'surveying' : 'open';
}

/** Alerts an operator to a report that was reopened too often, once per cycle. */
async function escalate(run: RunState): Promise<void> {
  const { reportId, cycle } = run;
  if (cycle <= policyOf(run).reopen.escalateAfter || run.escalatedCycle === cycle) return;
  run.escalatedCycle = cycle;
  await raiseAlert({ kind: 'reopenings', reportId, cycle, at: new Date().toISOString() });
}

async function cancel(run: RunState): Promise<NextPhase> {
  publish(run, { waitingFor: 'the system of record to cancel the report' });
  const { reportId, changedBy } = run;
  const at = run.changedAt ?? new Date().toISOString();
  const step = () => steps.cancelReport({ reportId, at, by: changedBy });
  const cancelled = await attemptOrPark(run, 'cancelReport', step, never);
  if (cancelled?.survey) run.survey = cancelled.survey;
  return 'done';
}

async function continueRun(run: RunState): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<typeof closeProblemReport>({ reportId: run.reportId, carried: run });
}

const never = () => false;

function resultOf(run: RunState): RunResult {
  return {
    outcome: run.state === 'cancelled' ? 'cancelled' : 'closed',
    cycle: run.cycle,
    survey: { outcome: surveyOutcome(run.survey) ?? 'none', score: run.answer?.score },
  };
}
