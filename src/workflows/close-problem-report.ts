/**
 * eTOM 1.3.7.4 "Close Customer Problem Report", one run per report per cycle:
 *
 *   open → clearing → confirming → closing → surveying → done
 *
 * A reopened report starts over; a cancelled one is done. Only this workflow decides what a change means, in the order in which its
 * signals came. Activities do what a step needs and write it to the ledger, from which any run of the report can continue.
 */
import { CancellationScope, allHandlersFinished, condition } from '@temporalio/workflow';
import type { Phase, RunInput, RunResult } from '../contract/reports.js';
import { changedAt } from '../policy/changes.js';
import type { Clearing } from '../policy/standing.js';
import { second } from '../policy/time.js';
import { raiseAlert } from './alert-operator.js';
import { handleAnswer, hasNewAnswer, isAnswered, recordHandled } from './answer.js';
import { confirmWithCustomer, isConfirmed } from './confirmation.js';
import { acceptOperations } from './operations.js';
import { undefinedIfFailed } from './failure.js';
import { fromNow, newRun, nothingUnhandled, update, type RunState, type Unwritten } from './run.js';
import { fenceOf, nextFence, noteWritten, unwrittenChange } from './ledger.js';
import { endUnknown, abandonReport } from './abandon-report.js';
import { acceptSignals } from './signals.js';
import * as steps from './steps.js';
import { isSurveyOpen, startSurvey, waitForAnswer } from './survey.js';
import { publish, publishBriefly, resultOf, showCancelRequest } from './visibility.js';
import { ReportAbandoned, attemptOrPark, continueRun, recordReceived, startOver, wait } from './waiting.js';

export async function closeProblemReport(input: RunInput): Promise<RunResult> {
  const run = newRun(input);
  acceptSignals(run);
  acceptOperations(run);
  // A cancel request through Temporal is shown, but does not end a report: for that, there is the signal `cancelled`.
  CancellationScope.current().cancelRequested.catch(() => showCancelRequest(run));
  return CancellationScope.nonCancellable(() => processReport(run));
}

async function processReport(run: RunState): Promise<RunResult> {
  try {
    await runPhases(run);
  } catch (error) {
    if (!(error instanceof ReportAbandoned)) throw error;
    await endUnknown(run);
    await condition(allHandlersFinished);
  }
  run.phase = 'done';
  publish(run, { waitingFor: 'nothing' });
  return resultOf(run);
}

async function runPhases(run: RunState): Promise<void> {
  let next = await (run.isKnown ? nextPhase(run) : lookUpAndContinue(run));
  while (next !== 'done' || hasMoreToDo(run)) {
    if (next === 'done') next = await (run.looksAgain ? lookUpAndContinue(run) : nextPhase(run));
    else {
      run.phase = next;
      next = await phaseHandlers[next](run);
    }
    // An update may need the report to be looked up first.
    if (next === 'done') await condition(() => allHandlersFinished() || (run.looksAgain && !run.isEnding));
  }
}

/** A message that came with the last step may be about a report that is not done after all. */
function hasMoreToDo(run: RunState): boolean {
  if (run.isAbandoned) return false;
  const isAsked = run.state === 'closed' && (hasNewAnswer(run) || isSurveyOpen(run));
  return isAsked || run.looksAgain || run.unwritten.length > 0;
}

type NextPhase = Exclude<Phase, 'needsAttention'>;

const phaseHandlers: Record<Exclude<NextPhase, 'done'>, (run: RunState) => Promise<NextPhase>> = {
  open,
  clearing,
  confirming,
  closing: closeOrWait,
  surveying,
};

/** Writes what changed, and returns the phase in which the run goes on. */
async function nextPhase(run: RunState): Promise<NextPhase> {
  // If a write is superseded, the run looks again, and its changes are still unwritten.
  let pending = pendingWrite(run);
  if (pending && !run.knowsPolicy) return lookUpAndContinue(run);
  while (pending) {
    await (pending.change.kind === 'reopened' ? reopen(run, pending) : cancel(run, pending));
    pending = pendingWrite(run);
  }
  if (run.isAbandoned) return 'done';
  switch (run.state) {
    case 'open':
      return 'open';
    case 'cleared':
      return 'clearing';
    case 'closed':
      return 'surveying';
    case 'cancelled':
      run.unwritten = []; // final: no earlier change counts any more
      return 'done';
  }
}

/** The next reopening or cancellation to be written. A change to cleared is written by the closing. */
function pendingWrite(run: RunState): Unwritten | undefined {
  if (run.isAbandoned) return undefined;
  const reopening = unwrittenChange(run, 'reopened');
  return reopening ?? (run.state === 'cancelled' ? unwrittenChange(run, 'cancelled') : undefined);
}

async function open(run: RunState): Promise<NextPhase> {
  await escalate(run);
  publish(run, { waitingFor: 'the signal `cleared`' });
  // Goes on even if it was cleared and reopened at once, because the ledger records both.
  await wait(run, () => run.unwritten.length > 0 || run.state !== 'open');
  return nextPhase(run);
}

/** A report may have to stay cleared for a while, and its customer may have to be asked, before it is closed. */
async function clearing(run: RunState): Promise<NextPhase> {
  await escalate(run); // it may be cleared again before its run has seen it open
  const { policy, hold } = run;
  const mustWait = policy.holdDown > 0 || hold !== undefined;
  if (run.confirmation && isConfirmed(run)) run.phase = 'confirming';
  // Customers who were asked may reply until the wait for them has ended. `closeReport` decides whether to ask.
  if (run.confirmation && (!isConfirmed(run) || run.confirmation.state === 'sent')) return 'confirming';
  return mustWait ? closeOrWait(run) : 'closing';
}

/** Asks the customer whether the problem is fixed, and closes on silence only if the policy says so. */
async function confirming(run: RunState): Promise<NextPhase> {
  const { changes } = run;
  await confirmWithCustomer(run);
  return run.changes === changes ? due(run) : nextPhase(run);
}

/**
 * Closes the report, unless something has to be waited for first: the ledger knows, by today's policy. A report that waits is in phase
 * `clearing`, or `confirming` if its customer was asked.
 */
async function closeOrWait(run: RunState): Promise<NextPhase> {
  if (run.holds > 0) await wait(run, () => run.holds === 0);
  const { changes, clearing: cleared } = run;
  if (run.state !== 'cleared' || !cleared) return nextPhase(run);
  publishBriefly(run, { waitingFor: 'the system of record to confirm the closing' });
  const isChanged = () => run.changes !== changes;
  let giveUp = { attempts: 0, at: 0 };
  const closed = await attemptOrPark(run, {
    name: 'closeReport',
    step: (attempts) => {
      // Looking at the ticket in between does not prolong it; a retry of an operator begins another.
      if (giveUp.attempts !== attempts) giveUp = { attempts, at: Date.now() + run.policy.closing.giveUpAfter };
      return close(run, cleared, attempts, giveUp.at);
    },
    stop: () => isChanged() || run.holds > 0,
    watches: run.system !== undefined,
    continuesByHand: true,
  });
  if (!closed) return run.knowsPolicy ? nextPhase(run) : lookUpAndContinue(run);
  if (closed.isSuperseded) return lookUpAndContinue(run);
  noteWritten(run, closed.fence, closed);
  delete run.closeByHand;
  run.closedAt = closed.closedAt;
  if (closed.policy) update(run, { policy: closed.policy, knowsPolicy: true });
  run.customerId = closed.customerId;
  run.serviceProblemId = closed.serviceProblemId;
  switch (closed.wait?.for) {
    case undefined:
      return nextPhase(run);
    case 'confirmation':
      return isChanged() ? nextPhase(run) : 'confirming';
    case 'holdDown': {
      run.phase = 'clearing';
      const { until } = closed.wait;
      publish(run, { waitingFor: 'the report to stay cleared', until });
      // The ledger's clock decides, and may be behind Temporal's.
      await wait(run, isChanged, Math.max(second, Date.parse(until) - Date.now()), 'Until the hold-down ends');
      return isChanged() ? nextPhase(run) : due(run);
    }
    case 'release':
      run.phase = run.confirmation ? 'confirming' : 'clearing';
      publish(run, { waitingFor: 'an operator to release the report' });
      await wait(run, () => isChanged() || !run.hold);
      run.dueAt = fromNow(0);
      return nextPhase(run);
  }
}

/** Tries a local activity first. Until the policy is known, the regular one is tried once; if it fails, the report is looked up. */
async function close(run: RunState, cleared: Clearing, attempts: number, giveUpAt: number) {
  const { system, knowsPolicy, rule, clearedBy: change, dueAt, closeByHand: byHand } = run;
  const fence = nextFence(run, `close ${cleared.at}`);
  const request = { fence, rule, system, clearing: cleared, change, dueAt, isConfirmed: isConfirmed(run), byHand };
  const isFirst = !system && attempts === 1;
  const closed = isFirst ? await steps.closeAtOnce(request).catch(undefinedIfFailed) : undefined;
  if (closed) return { fence, ...closed };
  const closeWith = (options: object) => steps.closeReport.executeWithOptions(options, [request]);
  if (!knowsPolicy) {
    const known = await closeWith(steps.once(run)).catch(undefinedIfFailed);
    return known && { fence, ...known };
  }
  const options = steps.inSystem(system, steps.forAtMost(giveUpAt - Date.now(), run));
  return { fence, ...(await closeWith(options)) };
}

/** Nothing is left to wait for: the time to close is measured from here. */
function due(run: RunState): NextPhase {
  run.dueAt = fromNow(0);
  return 'closing';
}

/** The report is closed. Nothing that happens to the survey undoes that, except a customer or service that reopens it. */
async function surveying(run: RunState): Promise<NextPhase> {
  const isOver = () => run.state !== 'closed' || isAnswered(run);
  // After a look-up, an open survey may have to be sent again.
  while (!isOver() && (run.survey.state === 'none' || isSurveyOpen(run)))
    await (run.survey.state === 'none' ? startSurvey(run, isOver) : waitForAnswer(run, isOver));
  if (isAnswered(run)) await handleAnswer(run);
  await recordReceived(run);
  return run.state === 'closed' ? 'done' : nextPhase(run);
}

async function lookUpAndContinue(run: RunState): Promise<NextPhase> {
  await startOver(run);
  return nextPhase(run);
}

/** A report that was closed starts its next cycle in a new run; one that was not yet closed goes back to `open`. */
async function reopen(run: RunState, reopening: Unwritten): Promise<void> {
  const { cycle } = run;
  const saysNotSolved = run.answer?.solved === false; // has its own alert
  const reopened = await writeChange(run, 'reopened', reopening);
  const isNextCycle = run.cycle > cycle; // another run has reopened it
  if (!reopened && (run.isAbandoned || isNextCycle) && run.answer && !hasNewAnswer(run))
    await recordHandled(run, run.answer);
  if (!reopened && isNextCycle) delete run.answer;
  if (!run.isAbandoned && run.written.state === 'open' && reopening.change.by === 'customer' && !saysNotSolved)
    await raiseAlert({ kind: 'notFixed', reportId: run.reportId, cycle, at: changedAt(reopening.change) });
  if (!reopened || reopened.cycle <= cycle) return;
  if (hasNewAnswer(run)) await handleAnswer(run, cycle);
  if (run.answer && isAnswered(run)) await recordHandled(run, run.answer);
  update(run, { cycle, survey: reopened.survey ?? run.survey, ...nothingUnhandled() });
  publish(run, { waitingFor: 'the next cycle, in a new run' });
  await continueRun(run);
}

async function cancel(run: RunState, cancellation: Unwritten): Promise<void> {
  const cancelled = await writeChange(run, 'cancelled', cancellation);
  if (cancelled?.state === 'cancelled' && cancelled.survey) run.survey = cancelled.survey;
}

const changeSteps = {
  reopened: { name: 'reopenReport', waitingFor: 'the system of record to reopen the report' },
  cancelled: { name: 'cancelReport', waitingFor: 'the system of record to cancel the report' },
} as const;

/** Returns what was written; undefined if nothing was. */
async function writeChange(run: RunState, kind: 'reopened' | 'cancelled', { change, rev }: Unwritten) {
  const { name, waitingFor } = changeSteps[kind];
  run.change = kind;
  publish(run, { waitingFor });
  const fence = fenceOf(run, rev, name);
  const { system } = run;
  const step = () =>
    steps[name].executeWithOptions(steps.inSystem(system, steps.untilGivenUp(run)), [{ fence, change, system }]);
  let written;
  try {
    do written = await attemptOrPark(run, { name, step });
    while (!written && !(await abandonReport(run)));
  } finally {
    delete run.change;
  }
  if (written?.isSuperseded) await startOver(run);
  if (!written || written.isSuperseded) return undefined;
  noteWritten(run, fence, written);
  return written;
}

/** Alerts an operator to a report that was reopened too often, once per cycle. */
async function escalate(run: RunState): Promise<void> {
  const { reportId, cycle } = run;
  const reopenings = cycle - run.firstCycle;
  if (reopenings < run.policy.reopen.escalateAfter || run.escalatedCycle === cycle) return;
  run.escalatedCycle = cycle;
  await raiseAlert({ kind: 'reopenings', reportId, cycle, reopenings, at: new Date().toISOString() });
}
