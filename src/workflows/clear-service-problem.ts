/**
 * A common fault is fixed: clears every open report of a service problem, as fast as the workers follow, in rounds until none is
 * left. A report that does not follow does not stop the rest: it is listed, and signalled again in every round.
 */
import {
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { carriedVersions, readCarried } from '../contract/carried.js';
import {
  queries,
  massClearSignal,
  maxPerSecond,
  type MassClearInput,
  type MassClearProgress,
  type MassClearRequest,
} from '../contract/messages.js';
import { maxClockSkew } from '../contract/time.js';
import { raiseAlert } from './alert-operator.js';
import * as steps from './steps.js';
import { textOf, timeOf } from './untrusted.js';

/** Pauses before reports that do not follow are signalled again. After the last one they stay listed, and an operator is alerted. */
const retryPauses = ['5s', '30s', '2m'] as const;

/** A report that does not follow within so many calls, each of five seconds, no longer slows down the others. */
const callsUntilOverdue = 2;

const notWaiting = { leastPending: Number.MAX_SAFE_INTEGER, pollsInVain: 0 };

/** Plain JSON, so that continue-as-new can carry all of it. */
interface State {
  /** The first is being worked on. */
  requests: Required<MassClearRequest>[];
  /** The last report of this round that was looked at; undefined: the round is over. */
  after: string | undefined;
  /** `after` at the last calls, oldest first. */
  recentPositions: string[];
  /** The least number of reports that were waited for in this round, and how many polls have not found fewer. */
  leastPending: number;
  pollsInVain: number;
  failedRounds: number;
  progress: MassClearProgress;
}

export async function clearServiceProblem(input: MassClearInput): Promise<MassClearProgress> {
  const state = (readCarried('clearServiceProblem', input.carried)?.state as State | undefined) ?? newState(input);
  const { progress, requests } = state;
  setHandler(defineQuery<MassClearProgress>(queries.progress), () => progress, {
    description: 'How many reports were cleared, are still open, are closed, and which are not cleared and why.',
  });
  const accept = (request?: MassClearRequest) => {
    const asked = toRequest(request ?? {});
    if (asked && !requests.some(({ id }) => id === asked.id)) requests.push(asked);
  };
  setHandler(defineSignal<[MassClearRequest?]>(massClearSignal), accept, {
    description:
      'Clear the reports of this service problem again. Optional payload: { "at": ISO time, "by", "perSecond" }.',
  });
  for (;;) {
    await clearAll(input, state);
    await untilClosed(state);
    if (requests.length <= 1) break;
    // The next request starts over, by its own time.
    requests.shift();
    Object.assign(state, { after: '', recentPositions: [], failedRounds: 0 });
    Object.assign(progress, { failed: [], failedCount: 0, round: 1 });
  }
  progress.done = true;
  return progress;
}

function newState(input: MassClearInput): State {
  const { serviceProblemId } = input;
  const request = toRequest(input);
  if (typeof serviceProblemId !== 'string' || !request)
    throw ApplicationFailure.nonRetryable(
      `Input must be { "serviceProblemId": "ID" }, with "at" in ISO 8601 and not in the future, and "perSecond" from 1 to ${maxPerSecond}, if given.`,
      'BadInput',
    );
  const counts = { cleared: 0, open: 0, closing: 0, closed: 0, later: { count: 0, ids: [] } };
  const progress = { serviceProblemId, ...counts, failed: [], failedCount: 0, round: 1, done: false };
  return { requests: [request], after: '', recentPositions: [], ...notWaiting, failedRounds: 0, progress };
}

/** Undefined if a value cannot be right. */
function toRequest({ at, by, perSecond, id }: MassClearRequest): Required<MassClearRequest> | undefined {
  const now = new Date();
  const givenAt = at === undefined ? now.toISOString() : timeOf(at);
  if (givenAt === undefined) return undefined;
  const fixedAt = new Date(givenAt);
  if (fixedAt.getTime() > now.getTime() + maxClockSkew) return undefined;
  const rate = perSecond ?? maxPerSecond;
  if (!Number.isInteger(rate) || rate < 1 || rate > maxPerSecond) return undefined;
  const author = textOf(by) ?? 'service problem';
  const requestId = textOf(id) ?? `${workflowInfo().runId}:${now.getTime()}`;
  return { at: (fixedAt < now ? fixedAt : now).toISOString(), by: author, perSecond: rate, id: requestId };
}

/** Goes through the reports until all have followed. One that joins behind the current id is signalled in the next round. */
async function clearAll(input: MassClearInput, state: State): Promise<void> {
  const { progress } = state;
  for (;;) {
    await runRound(input, state);
    await untilFollowed(input, state);
    const pause = retryPauses[state.failedRounds];
    if (progress.failedCount === 0 || pause === undefined) break;
    await sleep(pause, { summary: 'Until reports that did not follow are signalled again' });
    state.failedRounds++;
    Object.assign(state, { after: '', recentPositions: [] });
    progress.round++;
  }
  const { serviceProblemId, failedCount: failed } = progress;
  const [request] = state.requests;
  if (failed > 0 && request)
    await raiseAlert({
      kind: 'massClear',
      serviceProblemId,
      request: request.id,
      failed,
      at: new Date().toISOString(),
    });
}

/** Signals the reports, the newest first. */
async function runRound(input: MassClearInput, state: State): Promise<void> {
  const { progress } = state;
  const isRetry = progress.round > 1;
  for (;;) {
    const [request] = state.requests;
    if (!request) return;
    const { id: requestId, ...how } = request;
    const { serviceProblemId } = progress;
    const { after } = state;
    if (after === undefined) return;
    const overdue = state.recentPositions.length < callsUntilOverdue ? '' : (state.recentPositions[0] ?? '');
    const step = { ...how, serviceProblemId, requestId, after, overdue, isRetry };
    const { isDone, after: reached } = await steps.clearReports(step);
    state.after = isDone ? undefined : reached;
    await count(state);
    if (isDone) return;
    state.recentPositions = [...state.recentPositions, reached].slice(-callsUntilOverdue);
    await continueIfLong(input, state);
  }
}

async function continueIfLong(input: MassClearInput, state: State): Promise<void> {
  if (workflowInfo().continueAsNewSuggested)
    await continueAsNew<typeof clearServiceProblem>({
      ...input,
      carried: { v: carriedVersions.clearServiceProblem, state },
    });
}

/** Waits as long as the number of reports that have not followed decreases. The rest is listed, with what their runs say. */
async function untilFollowed(input: MassClearInput, state: State): Promise<void> {
  while (state.pollsInVain < 10) {
    const { pending } = await count(state);
    if (pending === 0) break;
    state.pollsInVain = pending < state.leastPending ? 0 : state.pollsInVain + 1;
    state.leastPending = Math.min(pending, state.leastPending);
    await sleep('1s', { summary: 'Until the workers have followed' });
    await continueIfLong(input, state);
  }
  Object.assign(state, notWaiting);
}

async function count({ progress, requests, after }: State): Promise<{ pending: number }> {
  const [request] = requests;
  if (!request) return { pending: 0 };
  const { serviceProblemId } = progress;
  const { at, id: requestId } = request;
  const { pending, ...counts } = await steps.countReports({ serviceProblemId, at, after, requestId });
  Object.assign(progress, counts);
  return { pending };
}

/** Waits as long as reports are still being closed, or until a new request. Some may wait for an operator or for their customers. */
async function untilClosed(state: State): Promise<void> {
  const { progress, requests } = state;
  let pollsWithoutClosing = 0;
  await count(state);
  while (progress.closing > 0 && pollsWithoutClosing < 5 && !workflowInfo().continueAsNewSuggested) {
    const { closed } = progress;
    if (await condition(() => requests.length > 1, '2s', { summary: 'Until the reports are closed' })) return;
    await count(state);
    pollsWithoutClosing = progress.closed > closed ? 0 : pollsWithoutClosing + 1;
  }
}
