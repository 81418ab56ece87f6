import { CloseoutError } from '../contract/errors.js';
import type { Closing } from '../outside/reports/port.js';
import type { ReportState } from '../policy/status.js';
import type { Deps } from './deps.js';

/**
 * Closes a cleared report and returns its state. Safe to repeat: one transaction, which leaves alone a report that
 * is closed already, has a newer change, or is in another cycle.
 */
export async function closeReport(
  { reports }: Deps,
  { reportId, ...closing }: Closing & { reportId: string },
): Promise<ReportState> {
  try {
    return await reports.close(reportId, closing);
  } catch (error) {
    // An operator can close a report by hand even if we can no longer find it.
    const isGone = error instanceof CloseoutError && error.code === 'ReportNotFound';
    if (closing.byHand && isGone) return { state: 'closed', cycle: closing.cycle, changedAt: closing.clearedAt };
    throw error;
  }
}
