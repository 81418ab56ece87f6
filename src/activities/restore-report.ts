import type { Restoring } from '../outside/reports/restore.js';
import type { AskedBy } from '../outside/surveys/restore.js';
import type { Deps } from './deps.js';
import { questionOf } from './question-of.js';

/**
 * PostgreSQL was restored to an earlier time: writes what a run knows of its report. The survey's brand and question, which it does not
 * know, are those of the policy now. Safe to repeat: only what is newer is written. Throws `Diverged`, `ReportNotFound`.
 */
export async function restoreReport(deps: Deps, restoring: Omit<Restoring, 'askedBy'>): Promise<void> {
  const { survey, confirmation } = restoring.known;
  const isAsked = survey.state !== 'none' || confirmation !== undefined;
  await deps.ledger.restore({ ...restoring, askedBy: isAsked ? await askedBy(deps, restoring) : undefined });
}

/** An answer counts only under a question of its scale, which the policy may have replaced since. */
async function askedBy(deps: Deps, { reportId, known: { answer } }: Omit<Restoring, 'askedBy'>): Promise<AskedBy> {
  const { brand, survey } = deps.policyFor(await deps.reports.get(reportId));
  const { id, scale } = await questionOf(deps, survey);
  const answered = answer && (answer.scale ?? 'satisfaction');
  if (answered === undefined || answered === scale) return { brand, questionId: id };
  const questions = (await deps.questions.all()).filter((question) => question.scale === answered);
  return { brand, questionId: questions.at(-1)?.id ?? id };
}
