import type { Restoring } from '../outside/reports/restore.js';
import type { Deps } from './deps.js';
import { questionOf } from './send-survey.js';

/**
 * PostgreSQL was restored to an earlier time: writes what a run knows of its report. The survey's brand and question, which it does not
 * know, are those of the policy now. Safe to repeat: only what is newer is written. Throws `Diverged`, `ReportNotFound`.
 */
export async function restoreReport(deps: Deps, known: Omit<Restoring, 'askedBy'>): Promise<void> {
  const { brand, survey } = deps.policyFor(await deps.reports.get(known.reportId));
  const { id: questionId } = await questionOf(deps, survey);
  await deps.ledger.restore({ ...known, askedBy: { brand, questionId } });
}
