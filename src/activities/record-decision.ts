import type { Decision, Fence } from '../policy/standing.js';
import { writtenReport, type WrittenReport } from './written-report.js';
import type { Deps } from './deps.js';

export interface RecordDecision {
  fence: Fence;
  decision: Decision;
}

/** Writes what an operator decided, or what the run is stuck at. Safe to repeat: a revision is written once. */
export async function recordDecision({ ledger }: Deps, { fence, decision }: RecordDecision): Promise<WrittenReport> {
  return writtenReport(await ledger.record(fence, decision));
}

/** The run has acted on a revision of the customer's answer, and waits for nothing more. Safe to repeat. */
export async function recordAnswerHandled(
  { answers, ledger }: Deps,
  { reportId, surveyId, revision }: { reportId: string; surveyId: string; revision: number },
): Promise<void> {
  await answers.markActedOn(surveyId, revision);
  await ledger.expect(reportId, null);
}
