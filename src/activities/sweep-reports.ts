import { activityInfo, log } from '@temporalio/activity';
import { hasCode, undefinedIfNoReport } from '../contract/errors.js';
import { signals, type SweepResult } from '../contract/messages.js';
import { now } from '../outside/database/clock.js';
import { toReport } from '../outside/reports/row-mapping.js';
import { wakesUntilStuck, type DueReport } from '../outside/reports/due-reports.js';
import type { LostRun } from '../outside/temporal/lost-runs.js';
import { reopenedSignal } from '../outside/unsent.js';
import { stateOf } from '../policy/status.js';
import { alertsUpTo } from '../policy/survey.js';
import { later, minute } from '../policy/time.js';
import type { Deps } from './deps.js';
import { inParallel } from './in-parallel.js';
import { restoreReport } from './restore-report.js';
import { toFailure } from './to-failure.js';

/** Reports of one kind that are looked up at a time. */
const pageSize = 500;
/** Reports of which those that are not done are woken at a time. */
const unfinishedPage = 10_000;

/**
 * Wakes the runs of reports with a problem; never reads reports that simply wait. Safe to repeat: a run that is woken for
 * nothing looks its report up and goes on waiting.
 */
export async function sweepReports(deps: Deps): Promise<Swept> {
  const result = { notified: {}, failed: 0, stuck: 0 };
  await sendStored(deps, result);
  await wakeDue(deps, result);
  const endedUntil = await replaceLost(deps, result);
  return { ...result, endedUntil };
}

export interface Swept extends Omit<SweepResult, 'counter'> {
  /** ISO 8601: runs that ended until then before their reports did have successors; absent if one could not be replaced. */
  endedUntil?: string;
}

type Result = Pick<SweepResult, 'notified' | 'failed' | 'stuck'>;

async function wakeDue(deps: Deps, result: Result): Promise<void> {
  const { dueReports, runs } = deps;
  const seen = new Set<string>();
  let due: DueReport[];
  let failed: unknown[];
  do {
    due = (await dueReports.due(pageSize)).filter(({ id }) => !seen.has(id));
    failed = await inParallel('wake a run', due, async (report) => {
      seen.add(report.id);
      await runs.wake(report);
      count(result, report.reason);
      if ((await dueReports.markWoken(report.id)) < wakesUntilStuck) return;
      result.stuck++;
      await runs.alert({ kind: 'stuck', at: now().toISOString() });
    });
    result.failed += failed.length;
  } while (due.length > failed.length); // a report that was woken is not due again for a while
}

/** What a customer or an operator said while Temporal was unavailable. */
async function sendStored(deps: Deps, result: Result): Promise<void> {
  const { unsent, messages, answers, ledger, runs } = deps;
  const notSent = await inParallel('send a stored reopening', await unsent.reopenings(pageSize), async (reopening) => {
    const row = await ledger.read(reopening.reportId);
    // The report is open again or cancelled, or its run has received this reopening: it no longer has any effect.
    const isOpenAgain = row.state === 'open' && stateOf(row.status) === 'open';
    const isOver = isOpenAgain || row.state === 'cancelled' || row.received.ids.includes(reopening.id);
    if (isOver) return unsent.endReopenings(row.id);
    await runs.signal(toReport(row), signals.reopened, reopenedSignal(reopening));
    await unsent.markSignalled(reopening.id);
    count(result, 'reopened');
  });
  const notBegun = await inParallel("begin to mail an operator's reply", await unsent.replies(pageSize), async (id) => {
    await runs.reply(id);
    await messages.markBegun(id);
  });
  const notAlerted = await inParallel('alert an operator of a message', await unsent.unread(pageSize), async (id) => {
    await runs.alert({ kind: 'message', storedMessageId: id });
    await messages.markBegun(id);
  });
  const notActedOn = await inParallel(
    'alert an operator of an answer',
    await unsent.lateAnswers(pageSize),
    async (answer) => {
      const { surveyId, reportId, cycle, revision, scale } = answer;
      const scoreAtMost = alertsUpTo(deps.policyFor(await deps.reports.get(reportId)).alert, scale);
      await runs.alert({ kind: 'answer', reportId, cycle, revision, scoreAtMost });
      await answers.markActedOn(surveyId, revision);
    },
  );
  result.failed += notSent.length + notBegun.length + notAlerted.length + notActedOn.length;
}

/** Visibility may lag, and PostgreSQL's clock may be ahead of Temporal's. */
const overlap = 5 * minute;

async function replaceLost(deps: Deps, result: Result): Promise<string | undefined> {
  const { sweeps, lostRuns } = deps;
  const last = await sweeps.last();
  const until = now();
  const since = later(last?.endedUntil ?? later(until, -60 * minute), -overlap);
  const lost = await sweeps.unhandled(await lostRuns.endedSince(since));
  const failed = await inParallel('replace a lost run', lost, async (run) => {
    if (await replace(deps, run)) count(result, 'lost');
    await sweeps.markHandled(run.runId);
  });
  result.failed += failed.length;
  return failed.length === 0 ? until.toISOString() : undefined;
}

/** Starts a successor of a run that ended before its report did, and sends it the signals that the run had not acted on. */
async function replace({ ledger, lostRuns, runs }: Deps, lost: LostRun): Promise<boolean> {
  const row = await ledger.read(lost.reportId).catch(undefinedIfNoReport);
  if (!row) return false;
  const missed = await lostRuns.missedSignals(lost, row);
  if (missed === 'reset') return false;
  const report = toReport(row);
  for (const { name, payload } of missed) await runs.signal(report, name, payload);
  await runs.wake(report);
  return true;
}

function count({ notified }: Result, reason: DueReport['reason']): void {
  notified[reason] = (notified[reason] ?? 0) + 1;
}

/** `restored`: the side that was restored to an earlier time or lost. `counter`: the number of the last sweep. */
export interface FoundRestored {
  restored: 'none' | 'database' | 'temporal';
  counter: number;
}

/** Compares the counters that PostgreSQL and Temporal keep of the sweeps. Reads only. */
export async function findRestored({ sweeps, lostRuns }: Deps): Promise<FoundRestored> {
  const last = await sweeps.last();
  const stored = last?.counter ?? 0;
  const kept = (await lostRuns.lastSweepCounter(activityInfo().workflowExecution?.runId)) ?? 0;
  const counter = Math.max(stored, kept);
  if (kept > stored) return { restored: 'database', counter };
  const isLost = last !== undefined && !(await lostRuns.isKnown(last.workflowId, last.runId));
  return { restored: isLost ? 'temporal' : 'none', counter };
}

export interface WokenPage {
  woken: number;
  failed: number;
  /** Start of the next page; undefined after the last. */
  next?: string;
}

/**
 * Temporal was restored or lost: the runs of all reports that are not done continue from the ledger. One that cannot be woken is overdue
 * from now on, so later sweeps try again. Safe to repeat.
 */
export async function wakeUnfinished(deps: Deps, { after }: { after: string }): Promise<WokenPage> {
  const { dueReports, runs } = deps;
  const { due, next } = await dueReports.unfinished(after, unfinishedPage);
  const failed = await inParallel('wake a run', due, (report) => runs.wake(report));
  for (const { id } of failed) await deps.ledger.expect(id, now());
  return { woken: due.length - failed.length, failed: failed.length, next };
}

/** `isComplete`: false if a later sweep has to restore the rest. */
export type Restored = WokenPage & { isComplete: boolean };

/**
 * PostgreSQL was restored: every running workflow looks again, and so hands its standing to the ledger; those that ended since are
 * asked for it. Safe to repeat: the ledger adopts only what is newer.
 */
export async function restoreLedger(deps: Deps): Promise<Restored> {
  const { sweeps, lostRuns } = deps;
  const last = await sweeps.last();
  const ended = await lostRuns.completedSince(new Date((last?.endedUntil?.getTime() ?? 0) - overlap));
  let diverged = 0;
  const notRestored = await inParallel(
    'restore the report of a run that has ended',
    ended,
    async ({ reportId, runId }) => {
      const known = await lostRuns.standingOf({ reportId, runId });
      if (!known) return;
      await restoreReport(deps, { reportId, runId, known, isForced: false }).catch((error: unknown) => {
        // Another program has changed it since: trying again would not help.
        if (!hasCode(error, 'Diverged')) throw error;
        diverged++;
      });
    },
  );
  const running = await lostRuns.running();
  const notWoken = await inParallel('ask a run to look again', running, (reportId) =>
    lostRuns.askToLookAgain(reportId),
  );
  const failed = diverged + notRestored.length + notWoken.length;
  const isComplete = notRestored.length + notWoken.length === 0;
  return { woken: ended.length + running.length - failed, failed, isComplete };
}

/** Keeps the result, and the daily figures, for `/metrics` and the desk. Counts the sweep. Safe to repeat: a run counts once. */
export async function recordSweep(
  { sweeps, rollUp }: Deps,
  result: Swept & { tookMs: number; atLeast: number; isRestored: boolean },
): Promise<number> {
  const { workflowExecution } = activityInfo();
  const { endedUntil } = result;
  const counter = await sweeps.record({
    ...result,
    endedUntil: endedUntil === undefined ? undefined : new Date(endedUntil),
    workflowId: workflowExecution?.workflowId ?? '',
    runId: workflowExecution?.runId ?? '',
  });
  // Without it, the figures only take longer to count.
  await rollUp().catch((error: unknown) => {
    log.warn('cannot count the surveys', { reason: toFailure(error).message });
  });
  return counter;
}
