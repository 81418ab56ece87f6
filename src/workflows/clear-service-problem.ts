/**
 * A common fault is gone: clears every open report of a service problem, so many a second, in rounds until none is left. One
 * report that is refused never stops the rest: it is listed and tried again in every round.
 */
import { continueAsNew, defineQuery, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { queries, type MassClearInput, type MassClearProgress } from '../contract/messages.js';
import * as steps from './steps.js';

/** Pauses before what failed is tried again; then it stays listed, and a new start tries once more. */
const patience = ['5s', '30s', '2m'] as const;

/** Plain JSON, handed on whole by continue-as-new. */
interface State {
  at: string;
  /** Where this round goes on. */
  after: string;
  clearedInRound: number;
  failedRounds: number;
  progress: MassClearProgress;
}

export async function clearServiceProblem(input: MassClearInput): Promise<MassClearProgress> {
  const { serviceProblemId } = input;
  const state = (input.carried as State | undefined) ?? begin(input);
  const { progress } = state;
  setHandler(defineQuery<MassClearProgress>(queries.progress), () => progress, {
    description: 'How many reports were told, are still open, are closed, and which were refused and why.',
  });
  do {
    await runRound(input, state);
    Object.assign(progress, await steps.countReports({ serviceProblemId }));
  } while (await goesOn(state));
  await untilClosed(serviceProblemId, progress);
  progress.done = true;
  return progress;
}

function begin({ serviceProblemId, at }: MassClearInput): State {
  const progress = { serviceProblemId, cleared: 0, open: 0, closing: 0, closed: 0, failed: [], round: 1, done: false };
  return { at: at ?? new Date().toISOString(), after: '', clearedInRound: 0, failedRounds: 0, progress };
}

/** Reports that join behind the place where a round is are met in it, those before it in the next. */
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
    await sleep('1s', { summary: `${limit} a second` });
  }
}

/** Another round: for reports that joined meanwhile, or for what was refused. */
async function goesOn(state: State): Promise<boolean> {
  const { progress, clearedInRound } = state;
  const pause = patience[state.failedRounds];
  if (clearedInRound === 0 && (progress.failed.length === 0 || pause === undefined)) return false;
  if (progress.failed.length > 0 && pause !== undefined) {
    await sleep(pause, { summary: 'Before what was refused is tried again' });
    state.failedRounds++;
  }
  Object.assign(state, { after: '', clearedInRound: 0 });
  Object.assign(progress, { failed: [], round: progress.round + 1 });
  return true;
}

/** As long as closings still come in: some may wait for an operator, or for their customers. */
async function untilClosed(serviceProblemId: string, progress: MassClearProgress): Promise<void> {
  for (let quiet = 0; progress.closing > 0 && quiet < 5 && !workflowInfo().continueAsNewSuggested;) {
    const { closed } = progress;
    await sleep('2s', { summary: 'Until the reports are closed' });
    Object.assign(progress, await steps.countReports({ serviceProblemId }));
    quiet = progress.closed > closed ? 0 : quiet + 1;
  }
}
