import { hasCode } from '../contract/errors.js';
import type { ClosingRequest, Ledger } from '../outside/reports/ledger.js';
import { toReport } from '../outside/reports/row-mapping.js';
import type { Wait } from '../policy/closing.js';
import type { Policy } from '../policy/settings.js';
import type { Fence } from '../policy/standing.js';
import { stateOf } from '../policy/status.js';
import type { Deps } from './deps.js';
import { closeTicket, isClosedByAgent } from './in-system.js';
import { writtenReport, type WrittenReport } from './written-report.js';

/** `system`: the external system in which the ticket lives. */
export type CloseReport = ClosingRequest & { fence: Fence; system?: string };

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
 * that is closed already or about which a newer revision was written; an external ticket is read first.
 */
export async function closeReport(deps: Deps, { fence, system, ...request }: CloseReport): Promise<ClosedReport> {
  const { policyFor } = deps;
  try {
    const { wait, ...written } = await (system && !request.byHand ? closeInSystem : closeInStore)(deps, fence, request);
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
    const isGone = hasCode(error, 'ReportNotFound');
    if (request.byHand && isGone) return { state: 'closed', cycle: fence.cycle, isSuperseded: false };
    throw error;
  }
}

type Closing = (deps: Deps, fence: Fence, request: ClosingRequest) => ReturnType<Ledger['close']>;

const closeInStore: Closing = ({ ledger, policyFor }, fence, request) => ledger.close(fence, request, policyFor);

/** The ticket first, then the ledger: only what was read there counts as closed. */
const closeInSystem: Closing = async (deps, fence, request) => {
  const { ledger, policyFor, runs, systemStates } = deps;
  const prepared = await ledger.close(fence, { ...request, isPreparation: true }, policyFor);
  const { row, isSuperseded, wait } = prepared;
  if (wait || isSuperseded || row.state !== 'cleared') return prepared;
  if (isClosedByAgent(row, fence, request)) return ledger.close(fence, request, policyFor);
  const ticket = await closeTicket(deps, fence, request, row);
  if (ticket.outcome === 'stale') return { ...prepared, isSuperseded: true };
  const closed = await ledger.close(fence, { ...request, seen: ticket.seen }, policyFor);
  const isWritten = !closed.isSuperseded && closed.row.state === 'closed';
  // Otherwise what has happened there is found by reading it again.
  if ((!isWritten || ticket.outcome === 'undone') && row.system && row.ticketId)
    await systemStates.hint(row.system, [row.ticketId]);
  if (closed.row.state === 'closed' && stateOf(closed.row.status) === 'open') await runs.wake(toReport(closed.row));
  return closed;
};
