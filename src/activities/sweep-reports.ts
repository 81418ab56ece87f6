import { activityInfo } from '@temporalio/activity';
import { CloseoutError } from '../contract/errors.js';
import { signals, type SweepResult } from '../contract/messages.js';
import { toReport } from '../outside/reports/rows.js';
import { wakesUntilStuck, type DueReport } from '../outside/reports/watching.js';
import type { LostRun } from '../outside/temporal/lost-runs.js';
import { customersReopening } from '../outside/unsent.js';
import { later, minute } from '../policy/time.js';
import type { Deps } from './deps.js';
import { inParallel } from './in-parallel.js';
import { now } from '../outside/database/clock.js';

/** Reports of one kind that are looked up at a time. */
const pageSize = 500;

/**
 * Looks for what is wrong, never for what is merely quiet, and wakes the runs concerned. Safe to repeat: a run that is woken for
 * nothing looks its report up and goes on waiting.
 */
export async function sweepReports(deps: Deps): Promise<Omit<SweepResult, 'counter'>> {
  const result = { notified: {}, failed: 0, stuck: 0 };
  await sendStored(deps, result);
  await wakeDue(deps, result);
  await replaceLost(deps, result);
  return result;
}

type Result = Pick<SweepResult, 'notified' | 'failed' | 'stuck'>;

async function wakeDue(deps: Deps, result: Result): Promise<void> {
  const { watching, runs } = deps;
  const seen = new Set<string>();
  let due: DueReport[];
  let failed: unknown[];
  do {
    due = (await watching.due(pageSize)).filter(({ id }) => !seen.has(id));
    failed = await inParallel(due, async (report) => {
      seen.add(report.id);
      await runs.wake(report);
      count(result, report.reason);
      if ((await watching.markWoken(report.id)) !== wakesUntilStuck) return;
      result.stuck++;
      await runs.alert({ kind: 'stuck', at: now().toISOString() });
    });
    result.failed += failed.length;
  } while (due.length > failed.length); // a report that was woken is not due again for a while
}

/** What a customer or an operator said while Temporal was unavailable. */
async function sendStored({ unsent, messages, ledger, runs }: Deps, result: Result): Promise<void> {
  const notSent = await inParallel(await unsent.reopenings(pageSize), async (reopening) => {
    const report = toReport(await ledger.read(reopening.reportId));
    await runs.signal(report, signals.reopened, customersReopening(reopening));
    await unsent.removeReopening(reopening.id);
    count(result, 'reopened');
  });
  const notBegun = await inParallel(await unsent.replies(pageSize), async (id) => {
    await runs.reply(id);
    await messages.markBegun(id);
  });
  result.failed += notSent.length + notBegun.length;
}

/** Visibility may lag, and PostgreSQL's clock may be ahead of Temporal's. */
const overlap = 5 * minute;

async function replaceLost(deps: Deps, result: Result): Promise<void> {
  const { sweeps, lostRuns } = deps;
  const last = await sweeps.last();
  const since = later(last?.at ?? later(now(), -60 * minute), -overlap);
  const lost = await sweeps.unhandled(await lostRuns.endedSince(since));
  const failed = await inParallel(lost, async (run) => {
    if (await replace(deps, run)) count(result, 'lost');
    await sweeps.markHandled(run.runId);
  });
  result.failed += failed.length;
}

/** Starts a successor of a run that ended before its report did, and sends it the signals that the run had not acted on. */
async function replace({ ledger, lostRuns, runs }: Deps, lost: LostRun): Promise<boolean> {
  const row = await ledger.read(lost.reportId).catch((error: unknown) => {
    if (error instanceof CloseoutError && error.code === 'ReportNotFound') return undefined;
    throw error;
  });
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

/** Temporal was restored or lost: the runs of all reports that are not done continue from the ledger. Safe to repeat. */
export async function wakeUnfinished({ watching, runs }: Deps, { after }: { after: string }): Promise<WokenPage> {
  const page = await watching.unfinished(after, pageSize);
  const failed = await inParallel(page, (report) => runs.wake(report));
  const next = page.length === pageSize ? page.at(-1)?.id : undefined;
  return { woken: page.length - failed.length, failed: failed.length, next };
}

/**
 * PostgreSQL was restored: every running workflow looks again, and so hands its standing to the ledger; those that ended since are
 * asked for it. Safe to repeat: the ledger adopts only what is newer.
 */
export async function restoreLedger({ sweeps, lostRuns, ledger }: Deps): Promise<WokenPage> {
  const last = await sweeps.last();
  const ended = await lostRuns.completedSince(new Date((last?.at.getTime() ?? 0) - overlap));
  const notRestored = await inParallel(ended, async ({ reportId, runId }) => {
    const known = await lostRuns.standingOf({ reportId, runId });
    if (known) await ledger.restore(reportId, runId, known, false);
  });
  const running = await lostRuns.running();
  const notWoken = await inParallel(running, (reportId) => lostRuns.askToLookAgain(reportId));
  const failed = notRestored.length + notWoken.length;
  return { woken: ended.length + running.length - failed, failed };
}

/** Keeps the result, and the daily figures, for `/metrics` and the desk. Counts the sweep. Safe to repeat: a run counts once. */
export async function recordSweep(
  { sweeps, rollUp }: Deps,
  result: Omit<SweepResult, 'counter'> & { tookMs: number; atLeast: number },
): Promise<number> {
  await rollUp();
  const { workflowExecution } = activityInfo();
  return sweeps.record({
    ...result,
    workflowId: workflowExecution?.workflowId ?? '',
    runId: workflowExecution?.runId ?? '',
  });
}
