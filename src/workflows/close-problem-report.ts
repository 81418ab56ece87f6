/**
 * eTOM 1.3.7.4 "Close Customer Problem Report", one run a report and cycle:
 *
 *   open → clearing → closing → surveying → done
 *
 * A report that is reopened starts over; one that is cancelled is done. What a step needs and does is an activity;
 * what comes next is decided here.
 */
import { allHandlersFinished, condition, continueAsNew, sleep } from '@temporalio/workflow';
import type { Phase, RunInput, RunResult } from '../contract/reports.js';
import { isLate } from '../policy/status.js';
import { callOperator } from './alert-operator.js';
import { attemptOrPark } from './attempt-or-park.js';
import { askWhetherFixed } from './confirmation.js';
import { beginRun, dropConfirmation, freshCycle, fromNow, mustPassOn, noteChange, policyOf, type Run } from './run.js';
import * as steps from './steps.js';
import { ask, heed, isAnswered, listen } from './survey.js';
import { show, surveyWord } from './visibility.js';

export async function closeProblemReport(input: RunInput): Promise<RunResult> {
  const run = beginRun(input);
  let next = run.early ? await lookUp(run) : (run.phase as Next);
  while (next !== 'done') {
    run.phase = next;
    if (mustPassOn()) await passOn(run);
    next = await during[next](run);
  }
  run.phase = next;
  show(run, { waitingFor: 'nothing' });
  await condition(allHandlersFinished);
  return resultOf(run);
}

type Next = Exclude<Phase, 'needsAttention'>;

const during: Record<Exclude<Next, 'done'>, (run: Run) => Promise<Next>> = { open, clearing, closing, surveying };

/** The store, not Temporal, knows the cycle and whether a report is closed already: then there is nothing to do. */
async function lookUp(run: Run): Promise<Next> {
  const { reportId } = run;
  // Only where the report cannot be found: else a cancelling that comes early is for the system of record as well.
  const isCancelled = () => run.early?.some(({ kind }) => kind === 'cancelled') ?? false;
  const givenUp = () => run.phase === 'needsAttention' && (run.closeByHand || isCancelled());
  const report = await attemptOrPark(run, 'lookUpReport', () => steps.lookUpReport({ reportId }), givenUp);
  const changes = run.early ?? [];
  delete run.early;
  if (!report) {
    // Not in the task that answers the operator: an event that comes in just then would undo the end, and the answer with it.
    if (run.closeByHand) await sleep('1s', { summary: 'The operator has been answered' });
    run.situation = { status: run.closeByHand ? 'closed' : 'cancelled', at: null };
    return 'done';
  }
  const { situation, survey, ...facts } = report;
  Object.assign(run, facts, survey && { survey });
  run.situation = situation;
  if (run.answer && run.answer.surveyId !== survey?.id) delete run.answer; // to the survey of another cycle
  for (const change of changes) noteChange(run, change);
  if (situation.status !== 'closed') return 'open';
  // A survey may still be open, and an answer or its change may come after the run that asked has ended.
  const unfinished = run.situation.status !== 'closed' || survey?.state === 'sent' || isAnswered(run);
  return unfinished ? 'surveying' : 'done';
}

async function open(run: Run): Promise<Next> {
  if (run.situation.status === 'open') {
    await escalate(run);
    show(run, { waitingFor: 'the signal `cleared`' });
    await condition(() => run.situation.status !== 'open' || mustPassOn());
  }
  return run.situation.status === 'open' ? 'open' : follow(run);
}

/** A report that flaps is not closed before it stays cleared, nor one whose customer is still asked whether it is fixed. */
async function clearing(run: Run): Promise<Next> {
  const began = run.confirmation?.clearedAt ?? run.situation.at;
  const changed = () => run.situation.status !== 'cleared' || isReopenedSince(run, began);
  const { holdDown } = policyOf(run);
  if (holdDown > 0 && !run.confirmation) {
    show(run, { waitingFor: 'the report to stay cleared', until: fromNow(holdDown) });
    await condition(changed, holdDown, { summary: 'Hold-down: stays cleared?' });
  }
  await untilReleased(run, changed);
  if (!changed()) await askWhetherFixed(run, changed);
  if (!changed() && mustPassOn()) return 'clearing';
  await untilReleased(run, changed);
  if (!changed()) return 'closing';
  if (run.situation.status === 'cleared') {
    // Opened and cleared again before we looked: all of it begins anew.
    dropConfirmation(run);
    delete run.reopenedAt;
  }
  return follow(run);
}

const isReopenedSince = ({ reopenedAt }: Run, began: string | null): boolean =>
  reopenedAt !== undefined && began !== null && Date.parse(reopenedAt) > Date.parse(began);

async function untilReleased(run: Run, changed: () => boolean): Promise<void> {
  if (!run.held || changed()) return;
  show(run, { waitingFor: 'an operator to release it' });
  await condition(() => changed() || !run.held);
}

async function closing(run: Run): Promise<Next> {
  show(run, { waitingFor: 'the system of record to confirm the closing' });
  delete run.reopenedAt;
  const { reportId, cycle, changedBy, clearReceivedAt } = run;
  const clearedAt = run.situation.at ?? new Date().toISOString();
  const close = () =>
    steps.closeReport.executeWithOptions(steps.forAtMost(policyOf(run).closing.giveUpAfter, run), [
      { reportId, cycle, clearedAt, clearReceivedAt, clearedBy: changedBy, byHand: run.closeByHand },
    ]);
  const closed = await attemptOrPark(run, 'closeReport', close, () => run.situation.status !== 'cleared');
  if (!closed) return follow(run);
  if (closed.cycle !== cycle) return reopen(run);
  if (closed.situation.status !== 'closed') {
    run.situation = closed.situation; // the system of record knew of a newer change than we did
    return follow(run);
  }
  // Whatever came while it was being closed came to a closed report: only a reopening counts.
  if (!run.reopenedAt) run.situation = { status: 'closed', at: run.situation.at };
  return 'surveying';
}

/** The report is closed; nothing that happens to the survey undoes that, except a customer or service that reopens. */
async function surveying(run: Run): Promise<Next> {
  const reopened = () => run.situation.status !== 'closed';
  const over = () => reopened() || isAnswered(run);
  if (run.survey.state === 'none' && !over()) await ask(run, over);
  while (run.survey.state === 'sent' && !over()) {
    if (mustPassOn()) return 'surveying';
    await listen(run, over);
  }
  if (isAnswered(run)) await heed(run);
  return reopened() ? reopen(run) : 'done';
}

/** Where the process goes on after the status changed. */
async function follow(run: Run): Promise<Next> {
  switch (run.situation.status) {
    case 'open':
      return reopen(run);
    case 'cleared':
      return 'clearing';
    case 'closed':
      return 'surveying';
    case 'cancelled':
      return cancel(run);
  }
}

/** A reopened report that was closed starts its next cycle in a run of its own; one that was not goes back to open. */
async function reopen(run: Run): Promise<Next> {
  show(run, { waitingFor: 'the system of record to reopen the report' });
  const { reportId, cycle, changedBy } = run;
  const at = run.reopenedAt ?? run.situation.at ?? new Date().toISOString();
  const step = () => steps.reopenReport({ reportId, cycle, at, by: changedBy });
  const standing = await attemptOrPark(run, 'reopenReport', step, never);
  delete run.reopenedAt;
  dropConfirmation(run);
  if (standing?.withdrawn) run.survey = standing.withdrawn;
  // Newer than all we were told: what we took for a reopening was an old one, or the next change is on its way to us.
  if (standing && !isLate(standing.situation.at ?? at, run.situation.at)) run.situation = standing.situation;
  if (standing && standing.cycle > cycle) {
    show(run, { waitingFor: 'the next cycle, in a run of its own' });
    await nextCycle(run, standing.cycle);
  }
  return run.situation.status === 'closed' ? 'surveying' : 'open';
}

/** What is opened again and again is not for the process to go on with alone. */
async function escalate(run: Run): Promise<void> {
  const { reportId, cycle, escalated = 0 } = run;
  if (cycle <= policyOf(run).reopen.escalateAfter || escalated === cycle) return;
  run.escalated = cycle;
  await callOperator({ kind: 'reopenings', reportId, cycle, at: new Date().toISOString() });
}

async function cancel(run: Run): Promise<Next> {
  show(run, { waitingFor: 'the system of record to cancel the report' });
  const { reportId, changedBy } = run;
  const at = run.situation.at ?? new Date().toISOString();
  const step = () => steps.cancelReport({ reportId, at, by: changedBy });
  const cancelled = await attemptOrPark(run, 'cancelReport', step, never);
  if (cancelled?.withdrawn) run.survey = cancelled.withdrawn;
  return 'done';
}

async function nextCycle(run: Run, cycle: number): Promise<never> {
  const { answer: _, bounced: __, ...kept } = run;
  return passOn({ ...kept, ...freshCycle(), cycle, phase: 'open' });
}

async function passOn(run: Run): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<typeof closeProblemReport>({ reportId: run.reportId, carried: run });
}

const never = () => false;

function resultOf(run: Run): RunResult {
  const score = run.answer?.score;
  return {
    outcome: run.situation.status === 'cancelled' ? 'cancelled' : 'closed',
    cycle: run.cycle,
    survey: { outcome: surveyWord(run) ?? 'none', ...(score ? { score } : {}) },
  };
}
