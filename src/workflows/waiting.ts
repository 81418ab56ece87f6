/**
 * Waiting and trying. Every wait ends early to look the report up again or to continue as new. A step that is refused permanently
 * parks the run in `needsAttention` until an operator helps.
 */
import {
  ActivityFailure,
  CancellationScope,
  TimeoutFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import { carriedVersions } from '../contract/carried.js';
import type { ErrorCode } from '../contract/errors.js';
import type { Decision } from '../policy/standing.js';
import { day, hour } from '../policy/time.js';
import { raiseAlert } from './alert-operator.js';
import type { closeProblemReport } from './close-problem-report.js';
import { codeOf, failureOf, isStepFailure, undefinedIfFailed } from './failure.js';
import { fromNow, shouldContinueAsNew, update, type RunState, type Unhandled } from './run.js';
import { adopt, fenceOfDecision, noteDecided } from './ledger.js';
import { standingOf } from './run-status.js';
import * as steps from './steps.js';
import { publish } from './visibility.js';

/** Ends a wait as soon as it returns true. */
export type Condition = () => boolean;

/** An operator has closed a report by hand that cannot be looked up. */
export class ReportAbandoned extends Error {}

/** Waits until a condition, for at most `ms`. Returns whether the condition holds. Throws `ReportAbandoned`. */
export async function wait(run: RunState, until: Condition, ms?: number, summary?: string): Promise<boolean> {
  const end = ms === undefined ? Infinity : Date.now() + ms;
  const looksAgain = () => run.looksAgain && !run.isLookingUp;
  const isInterrupted = () => until() || looksAgain() || shouldContinueAsNew();
  for (;;) {
    if (ms === undefined) await condition(isInterrupted);
    else if (!(await condition(isInterrupted, Math.max(1, end - Date.now()), { summary }))) return until();
    if (until()) return true;
    if (shouldContinueAsNew()) await continueRun(run);
    const isFound = !looksAgain() || (await lookUp(run));
    if (until()) return true;
    if (!isFound && run.closeByHand !== undefined) throw new ReportAbandoned();
    if (Date.now() >= end) return false;
  }
}

/** Continues in a new run, from the ledger. */
export async function continueRun(run: RunState): Promise<never> {
  run.isEnding = true;
  await recordReceived(run);
  await condition(allHandlersFinished);
  const { reportId } = run;
  const changes = run.unwritten.map(({ change }) => change);
  const rest = unhandledOf(run);
  const carried = changes.length > 0 || rest ? { v: carriedVersions.closeProblemReport, changes, rest } : undefined;
  return continueAsNew<typeof closeProblemReport>({ reportId, ...(carried && { carried }) });
}

/** A repeated signal is only known as such if the next run knows what was received. */
export async function recordReceived(run: RunState): Promise<void> {
  if (run.isDirty && run.unwritten.length === 0) await recordIfPossible(run, {});
}

function unhandledOf({ bounced, delivery, surveyOperations, senderFaults, resendAt }: RunState): Unhandled | undefined {
  const isNothing = !bounced && !delivery && surveyOperations.length === 0 && senderFaults === 0;
  // Without its id, by which the next run would take it for a repeated one.
  const carried = bounced && { surveyId: bounced.surveyId, reason: bounced.reason };
  return isNothing ? undefined : { bounced: carried, delivery, surveyOperations, senderFaults, resendAt };
}

/** Reads the ledger, and applies to it the changes that the run has received and not written. Returns false if an operator gave up. */
export async function lookUp(run: RunState): Promise<boolean> {
  run.looksAgain = false;
  run.isLookingUp = true;
  const { reportId } = run;
  const { rev } = run.written;
  const { runId } = workflowInfo();
  // After a reset, the ledger may be ahead of the run; otherwise it is behind only if PostgreSQL was restored.
  const known = run.isKnown && run.ownerId === runId ? standingOf(run) : undefined;
  const isCancelled = () => run.unwritten.some(({ change }) => change.kind === 'cancelled');
  const found = await attemptOrPark(run, {
    name: 'lookUpReport',
    step: (_, parkedWith) => {
      const input = { reportId, runId, known, isForced: parkedWith === 'Diverged' };
      return steps.lookUpReport.executeWithOptions(steps.untilGivenUp(run), [input]);
    },
    giveUp: isCancelled,
  });
  run.isLookingUp = false;
  if (!found) return false;
  // An operator's decision was recorded after the row was read.
  if (run.written.rev > rev && run.written.rev > found.rev) return lookUp(run);
  adopt(run, found);
  return true;
}

/** Another run or a newer revision came first, or the database was restored: looks again. Throws `ReportAbandoned`. */
export async function startOver(run: RunState): Promise<void> {
  if (!(await lookUp(run))) throw new ReportAbandoned();
}

/**
 * Runs a step until it succeeds or `stop` becomes true, whichever comes first. `retryNow` starts it again at once, and so does what was
 * seen in an external system if the step `watches` it. Returns undefined if stopped. Throws if the step failed permanently.
 */
export async function attempt<T>(
  run: RunState,
  step: () => Promise<T>,
  stop: Condition,
  watches = false,
): Promise<T | undefined> {
  const hasSeen = () => watches && run.looksAgain && !run.isLookingUp;
  while (!stop()) {
    const { retries } = run;
    const work = new CancellationScope();
    const waiting = new CancellationScope();
    const done = work.run(step).then((value) => ({ value }));
    const isInterrupted = () => stop() || run.retries !== retries || hasSeen() || shouldContinueAsNew();
    const interrupted = waiting.run(() => condition(isInterrupted));
    try {
      const result = await Promise.race([done, interrupted]);
      if (result) return result.value;
      work.cancel();
      const late = await done.catch(ignoreCancellation);
      if (late) return late.value; // it succeeded at the same moment
    } catch (error) {
      if (run.retries === retries) throw error; // otherwise a retry was requested just as the step failed
    } finally {
      waiting.cancel();
      await interrupted.catch(ignoreCancellation);
    }
    if (!stop() && shouldContinueAsNew()) await continueRun(run);
    if (!stop() && hasSeen()) await lookUp(run);
  }
  return undefined;
}

export interface Step<T> {
  name: string;
  /** `attempts`: how often it was started; `parkedWith`: the code of its last failure. */
  step: (attempts: number, parkedWith?: ErrorCode) => Promise<T>;
  /** Stops the step at any time. */
  stop?: Condition;
  /** Ends the wait for an operator, in addition to `retryNow` and `closeByHand`. */
  giveUp?: Condition;
  /** If the ticket changes in its system meanwhile, the report is looked up, and the step tried again. */
  watches?: boolean;
  /** The step itself records that it was done by hand; every other one is left when the report is closed by hand. */
  continuesByHand?: boolean;
}

/**
 * Like `attempt`, but parks the run if the step fails permanently. A parked step can be left by `cancelled` or `closeByHand`.
 * Returns undefined if it was stopped or left.
 */
export async function attemptOrPark<T>(run: RunState, { step, ...options }: Step<T>): Promise<T | undefined> {
  const { name, stop = never, giveUp = never, watches, continuesByHand = false } = options;
  let parkedWith: ErrorCode | undefined;
  for (let attempts = 1; ; attempts++) {
    const lastCode = parkedWith;
    try {
      return await attempt(run, () => step(attempts, lastCode), stop, watches);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const { retries, cancellations } = run;
      delete run.closeByHand; // requested before this failure, so it did not help
      const failure = reasonOf(error);
      const code = codeOf(failureOf(error));
      parkedWith = code;
      const isLeft = () => stop() || giveUp() || run.cancellations !== cancellations;
      await park(run, {
        step: name,
        code,
        failure,
        waitingFor: 'an operator',
        until: () => isLeft() || run.retries !== retries || run.closeByHand !== undefined,
      });
      if (isLeft() || (run.closeByHand && !continuesByHand)) return undefined;
    }
  }
}

const never = () => false;

export interface Parking {
  step: string;
  code: ErrorCode;
  failure: string;
  waitingFor: string;
  /** Ends the parking. */
  until: Condition;
}

/** Waits in `needsAttention`, then returns to the phase that the run came from. An operator is alerted at once, and each day. */
export async function park(run: RunState, { step, code, failure, waitingFor, until }: Parking): Promise<void> {
  const { phase, attention } = run; // a look-up may be parked while another step is
  const since = new Date().toISOString();
  run.phase = 'needsAttention';
  run.attention = { step, code, failure, since };
  publish(run, { waitingFor });
  let isListed = await recordAttention(run);
  while (!until()) {
    const unlisted = isListed ? {} : { reportId: run.reportId };
    await raiseAlert({ kind: 'attention', step, code, at: fromNow(0), ...unlisted });
    // Of a report that is not known, nothing can be recorded.
    const { ownerId } = run;
    const isTakenOver = () => run.ownerId !== ownerId; // after a reset, which the ledger takes for the end of this wait
    const left = isListed || !run.isKnown ? day : hour;
    await wait(run, () => until() || isTakenOver(), left, 'Until the operator is reminded');
    if ((!isListed || isTakenOver()) && !until()) isListed = await recordAttention(run);
  }
  update(run, { phase, attention });
  await recordAttention(run);
}

/** Adds the report to the lists of what needs attention. Returns whether that was recorded; it needs a report that was found. */
async function recordAttention(run: RunState): Promise<boolean> {
  if (!run.isKnown || run.isLookingUp) return false;
  return recordIfPossible(run, { attention: run.attention ?? null, expectedAt: null });
}

/** Nothing depends on it, so a failure is ignored. Returns whether it is recorded. */
async function recordIfPossible(run: RunState, decision: Decision): Promise<boolean> {
  const fence = fenceOfDecision(run);
  const record = steps.recordDecision.executeWithOptions(steps.forAtMost(10_000, run), [{ fence, decision }]);
  const written = await record.catch(undefinedIfFailed);
  if (!written || written.isSuperseded) return false;
  noteDecided(run, fence);
  return true;
}

function reasonOf(error: ActivityFailure): string {
  const last = error.cause instanceof TimeoutFailure ? error.cause.cause : error.cause;
  return `${failureOf(error)}: ${last?.message ?? 'no answer in time'}`;
}

function ignoreCancellation(error: unknown): undefined {
  // Nobody waits for a step that failed just as it was stopped, and every step is idempotent.
  if (isCancellation(error) || isStepFailure(error)) return undefined;
  throw error;
}
