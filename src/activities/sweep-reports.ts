import { CloseoutError } from '../contract/errors.js';
import { signals, type SweepResult } from '../contract/messages.js';
import type { SweptReport } from '../outside/reports/port.js';
import { answeredSignal } from '../outside/surveys/answers.js';
import { confirmedSignal } from '../outside/surveys/confirmations.js';
import { missedChange, type MissedChange } from '../policy/sweep.js';
import type { Deps } from './deps.js';
import { inParallel } from './in-parallel.js';

const pageSize = 1000;

export interface SweptPage extends Pick<SweepResult, 'notified' | 'failed'> {
  reports: number;
  /** Start of the next page; undefined after the last. */
  next?: string;
}

/** Notifies the runs of one page of reports of what they missed. Safe to repeat: a run acts once on the same change. */
export async function sweepPage(deps: Deps, { after }: { after: string }): Promise<SweptPage> {
  const page = await deps.reports.sweepPage(after, pageSize);
  const notified: SweptPage['notified'] = {};
  const missed = page.filter((report) => missedChange(report) !== undefined);
  const failed = await inParallel(missed, async (report) => {
    const change = await notifyRun(deps, report);
    notified[change] = (notified[change] ?? 0) + 1;
  });
  const next = page.length === pageSize ? page.at(-1)?.id : undefined;
  return { reports: page.length, notified, failed: failed.length, next };
}

async function notifyRun({ reports, runs }: Deps, swept: SweptReport): Promise<MissedChange> {
  const change = missedChange(swept) ?? 'cleared';
  const { id, runState, cycle, runCycle, changedAt } = swept;
  if (change === 'started') {
    await runs.begin(await reports.get(id));
    return change;
  }
  if (change === 'reopened' && runState === 'closed' && cycle === runCycle) await reports.startNextCycle(id);
  const at = changedAt ?? new Date().toISOString();
  await runs.signal(await reports.get(id), signals[change], { at, by: 'watch' });
  await reports.markNotified(swept);
  return change;
}

/** Notifies runs of what customers said while Temporal was unavailable. Safe to repeat: a run acts once on the same words. */
export async function notifyRunsOfAnswers({
  reports,
  surveys,
  answers,
  confirmations,
  runs,
}: Deps): Promise<{ answered: number; confirmed: number; failed: number }> {
  const unnotifiedAnswers = await answers.unnotified(pageSize);
  const failedAnswers = await inParallel(unnotifiedAnswers, async (answer) => {
    const survey = await surveys.find(answer.surveyId);
    if (!survey) throw new CloseoutError('NotFound', 'The survey no longer exists.');
    await runs.signal(await reports.get(survey.reportId), signals.answered, answeredSignal(answer));
    await answers.markNotified(survey.id, answer.revision);
  });
  const unnotifiedReplies = await confirmations.unnotified(pageSize);
  const failedReplies = await inParallel(unnotifiedReplies, async (survey) => {
    await runs.signal(await reports.get(survey.reportId), signals.confirmed, confirmedSignal(survey));
    await confirmations.markNotified(survey);
  });
  return {
    answered: unnotifiedAnswers.length - failedAnswers.length,
    confirmed: unnotifiedReplies.length - failedReplies.length,
    failed: failedAnswers.length + failedReplies.length,
  };
}

/** Keeps the result for `/metrics` and the dashboard. Safe to repeat: there is one row. */
export async function recordSweep({ sweeps }: Deps, result: SweepResult & { tookMs: number }): Promise<void> {
  await sweeps.record(result);
}
