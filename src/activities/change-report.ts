import type { SurveyRecord } from '../contract/survey.js';
import type { ByHand, Fence } from '../policy/standing.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import type { Change } from '../policy/changes.js';
import { writtenReport, type WrittenReport } from './written-report.js';
import type { Deps } from './deps.js';
import { cancelTicket, reopenTicket } from './in-system.js';

export interface WriteChange {
  fence: Fence;
  change: Change;
  /** The external system in which the ticket lives. */
  system?: string;
}

/** `survey`: that of the cycle that the change ended. */
export type ChangedReport = WrittenReport & { survey?: SurveyRecord };

/** Reopens a report; a closed one begins its next cycle. Safe to repeat: a revision is written once, in one transaction. */
export async function reopenReport(deps: Deps, { fence, change, system }: WriteChange): Promise<ChangedReport> {
  const { ledger, surveys, confirmations } = deps;
  // The customer's reason was stored with the confirmation.
  const reason = change.by === 'customer' ? await confirmations.reasonOf(fence.reportId, fence.cycle) : undefined;
  const written = writtenReport(await ledger.reopen(fence, change, reason));
  // Also if the run has decided something else since, such as a hold: the ticket has not been reopened yet.
  if (system && written.state === 'open') await reopenTicket(deps, fence, change, reason);
  const ended = written.cycle > fence.cycle ? await surveys.ofCycle(fence.reportId, fence.cycle) : undefined;
  return { ...written, survey: ended && surveyRecord(ended) };
}

/** Cancels a report that is not closed yet. Safe to repeat, as `reopenReport`. */
export async function cancelReport(deps: Deps, { fence, change, system }: WriteChange): Promise<ChangedReport> {
  const { ledger, surveys } = deps;
  const written = writtenReport(await ledger.cancel(fence, change));
  if (system && written.state === 'cancelled') await cancelTicket(deps, fence, change);
  const survey = await surveys.ofCycle(fence.reportId, written.cycle);
  return { ...written, survey: survey && surveyRecord(survey) };
}

/** An operator closed it by hand, or a change cancels it. */
export type EndReportInLedger = { fence: Fence } & (
  { byHand: ByHand; change?: undefined } | { byHand?: undefined; change: Change }
);

/** Ends a report in the ledger alone, because its system refuses to change the ticket. Safe to repeat, as `reopenReport`. */
export async function endReportInLedger(
  { ledger, surveys }: Deps,
  { fence, byHand, change }: EndReportInLedger,
): Promise<ChangedReport & { closedAt?: string }> {
  const written = await (byHand ? ledger.endByHand(fence, byHand) : ledger.cancel(fence, change));
  const survey = await surveys.ofCycle(fence.reportId, written.row.cycle);
  const closedAt = written.row.closedAt?.toISOString();
  return { ...writtenReport(written), survey: survey && surveyRecord(survey), closedAt };
}
