/**
 * A common fault is fixed: clears every open report of a service problem at a limited rate, in rounds until none is left. A
 * report that is refused does not stop the rest: it is listed, and retried in every round.
 */
import { continueAsNew, defineQuery, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { queries, type MassClearInput, type MassClearProgress } from '../contract/messages.js';
import * as steps from './steps.js';

/** Pauses before refused reports are retried. After the last one they stay listed, and starting the workflow again retries them. */
const retryPauses = ['5s', '30s', '2m'] as const;

/** Plain JSON, so that continue-as-new can carry all of it. */
interface State {
  at: string;
  /** The last report of this round that was looked at. */
  after: string;
  clearedInRound: number;
  failedRounds: number;
  progress: MassClearProgress;
}

export async function clearServiceProblem(input: MassClearInput): Promise<MassClearProgress> {
  const { serviceProblemId } = input;
  const state = (input.carried as State | undefined) ?? newState(input);
  const { progress } = state;
  setHandler(defineQuery<MassClearProgress>(queries.progress), () => progress, {
    description: 'How many reports were cleared, are still open, are closed, and which were refused and why.',
  });
  for (;;) {
    await runRound(input, state);
    Object.assign(progress, await steps.countReports({ serviceProblemId }));
    if (state.clearedInRound === 0 && !hasRetryLeft(state)) break;
    await startNextRound(state);
  }
  await untilClosed(serviceProblemId, progress);
  progress.done = true;
  return progress;
}

function newState({ serviceProblemId, at }: MassClearInput): State {
  const progress = { serviceProblemId, cleared: 0, open: 0, closing: 0, closed: 0, failed: [], round: 1, done: false };
  return { at: at ?? new Date().toISOString(), after: '', clearedInRound: 0, failedRounds: 0, progress };
}

/** Clears in the order of report ids. A report that joins behind the current id is cleared in this round, any other in the next. */
async function runRound(input: MassClearInput, state: State): Promise<void> {
  const { serviceProblemId, by = 'service problem', perSecond = 50 } = input;
  const { progress, at } = state;
  const limit = Math.min(500, Math.max(1, perSecond));
  for (;;) {
    const batch = await steps.clearReports({ serviceProblemId, after: state.after, limit, at, by });
    progress.cleared += batch.cleared;
    state.clearedInRound += batch.cleared;
    progress.failed.push(...batch.failed);
    if (batch.last === undefined) return;
    state.after = batch.last;
    Object.assign(progress, await steps.countReports({ serviceProblemId }));
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof clearServiceProblem>({ ...input, carried: state });
    await sleep('1s', { summary: `${limit} reports per second` });
  }
}

const hasRetryLeft = ({ progress, failedRounds }: State): boolean =>
  progress.failed.length > 0 && failedRounds < retryPauses.length;

/** The next round clears reports that joined during this one, and retries refused ones after a pause. */
async function startNextRound(state: State): Promise<void> {
  const { progress } = state;
  const pause = retryPauses[state.failedRounds];
  if (progress.failed.length > 0 && pause !== undefined) {
    await sleep(pause, { summary: 'Until refused reports are retried' });
    state.failedRounds++;
  }
  Object.assign(state, { after: '', clearedInRound: 0 });
  Object.assign(progress, { failed: [], round: progress.round + 1 });
}

/** Waits as long as reports are still being closed. Some may wait for an operator or for their customers. */
async function untilClosed(serviceProblemId: string, progress: MassClearProgress): Promise<void> {
  let pollsWithoutClosing = 0;
  while (progress.closing > 0 && pollsWithoutClosing < 5 && !workflowInfo().continueAsNewSuggested) {
    const { closed } = progress;
    await sleep('2s', { summary: 'Until the reports are closed' });
    Object.assign(progress, await steps.countReports({ serviceProblemId }));
    pollsWithoutClosing = progress.closed > closed ? 0 : pollsWithoutClosing + 1;
  }
}
