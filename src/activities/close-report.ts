import { CloseoutError } from '../contract/errors.js';
import type { Written } from '../outside/reports/fenced-write.js';
import type { ClosingRequest } from '../outside/reports/ledger.js';
import { toReport } from '../outside/reports/rows.js';
import type { Wait } from '../policy/closing.js';
import type { Policy } from '../policy/settings.js';
import type { Fence } from '../policy/standing.js';
import type { State } from '../policy/status.js';
import type { Deps } from './deps.js';

/** What stands after a write. `isSuperseded`: another run or a newer revision came first, so the run has to look again. */
export interface WrittenReport {
  state: State;
  cycle: number;
  isSuperseded: boolean;
}

export const writtenReport = ({ row: { state, cycle }, isSuperseded }: Written): WrittenReport => ({
  state,
  cycle,
  isSuperseded,
});

export type CloseReport = ClosingRequest & { fence: Fence };

export interface ClosedReport extends WrittenReport {
  /** Present if the report is not closed yet. */
  wait?: Wait;
  closedAt?: string;
  /** As they are at the closing: they may have changed since the report was opened. Absent if the report is gone. */
  policy?: Policy;
  customerId?: string;
  serviceProblemId?: string;
}

/**
 * Closes a cleared report, or says what has to be waited for first. Safe to repeat: one transaction, which leaves alone a report
 * that is closed already or about which a newer revision was written.
 */
export async function closeReport(
  { ledger, policyFor }: Deps,
  { fence, ...request }: CloseReport,
): Promise<ClosedReport> {
  try {
    const { wait, ...written } = await ledger.close(fence, request, policyFor);
    const { customerId, serviceProblemId, closedAt } = written.row;
    return {
      ...writtenReport(written),
      wait,
      closedAt: closedAt?.toISOString(),
      policy: policyFor(toReport(written.row)),
      customerId: customerId ?? undefined,
      serviceProblemId: serviceProblemId ?? undefined,
    };
  } catch (error) {
    // An operator can close a report by hand even if we can no longer find it.
    const isGone = error instanceof CloseoutError && error.code === 'ReportNotFound';
    if (request.byHand && isGone) return { state: 'closed', cycle: fence.cycle, isSuperseded: false };
    throw error;
  }
}
