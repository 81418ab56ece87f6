import { CloseoutError } from '../contract/errors.js';
import { signals, type SweepResult } from '../contract/messages.js';
import { toConfirmed } from '../outside/surveys/confirmations.js';
import { toSignal } from '../outside/surveys/answers.js';
import type { WatchedReport } from '../outside/reports/port.js';
import { missedChange, type Missed } from '../policy/sweep.js';
import { inParallel } from './in-parallel.js';
import type { Deps } from './deps.js';

const pageSize = 1000;

export interface SweptPage extends Pick<SweepResult, 'told' | 'failed'> {
  reports: number;
  /** Where the next page begins; undefined: that was the last. */
  next?: string;
}

/**
 * Reads one page of reports and tells the runs what they missed. Safe to repeat: a run that is told twice acts once, and
 * what was told is noted. One report that fails does not stop the rest.
 */
export const sweepPage =
  (deps: Deps) =>
  async ({ after }: { after: string }): Promise<SweptPage> => {
    const page = await deps.reports.watch(after, pageSize);
    const told: SweptPage['told'] = {};
    const missed = page.filter((report) => missedChange(report) !== undefined);
    const failed = await inParallel(missed, async (report) => {
      const kind = await tell(deps, report);
      told[kind] = (told[kind] ?? 0) + 1;
    });
    const next = page.length === pageSize ? page.at(-1)?.id : undefined;
    return { reports: page.length, told, failed: failed.length, ...(next === undefined ? {} : { next }) };
  };

async function tell({ reports, runs }: Deps, watched: WatchedReport): Promise<Missed> {
  const kind = missedChange(watched) ?? 'cleared';
  const { id, runStatus, cycle, runCycle, at } = watched;
  if (kind === 'started') {
    await runs.begin(await reports.get(id));
    return kind;
  }
  if (kind === 'reopened' && runStatus === 'closed' && cycle === runCycle) await reports.startCycle(id);
  await runs.signal(await reports.get(id), signals[kind], { at: at ?? new Date().toISOString(), by: 'watch' });
  await reports.settle(watched);
  return kind;
}

/** Tells the runs what customers said while they could not be reached. Safe to repeat: each says what it is about. */
export const tellAnswers =
  ({ reports, surveys, answers, confirmations, runs }: Deps) =>
  async (): Promise<{ answered: number; confirmed: number; failed: number }> => {
    const untold = await answers.untold(pageSize);
    const failed = await inParallel(untold, async (answer) => {
      const survey = await surveys.find(answer.survey_id);
      if (!survey) throw new CloseoutError('NotFound', 'The survey is gone.');
      await runs.signal(await reports.get(survey.report_id), signals.answered, toSignal(answer));
      await answers.told(survey.id, answer.revision);
    });
    const unheard = await confirmations.untold(pageSize);
    const missed = await inParallel(unheard, async (survey) => {
      await runs.signal(await reports.get(survey.report_id), signals.confirmed, toConfirmed(survey));
      await confirmations.told(survey);
    });
    return {
      answered: untold.length - failed.length,
      confirmed: unheard.length - missed.length,
      failed: failed.length + missed.length,
    };
  };

/** Keeps the result where `/metrics` and the dashboard find it. Safe to repeat: there is one row. */
export const noteSweep =
  ({ sweeps }: Deps) =>
  async (result: SweepResult & { tookMs: number }): Promise<void> =>
    sweeps.note(result);
