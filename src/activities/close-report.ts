import { CloseoutError } from '../contract/errors.js';
import type { Closing, Standing } from '../outside/reports/port.js';
import type { Deps } from './deps.js';

/**
 * Closes a cleared report and returns where it then stands. Safe to repeat: one transaction that finds a closed
 * report closed, and leaves alone one that has a newer change or is in another cycle.
 */
export const closeReport =
  ({ reports }: Deps) =>
  async ({ reportId, ...closing }: Closing & { reportId: string }): Promise<Standing> => {
    try {
      return await reports.close(reportId, closing);
    } catch (error) {
      // An operator who says so has closed it where we cannot even see it.
      const gone = error instanceof CloseoutError && error.code === 'ReportNotFound';
      if (closing.byHand && gone)
        return { situation: { status: 'closed', at: closing.clearedAt }, cycle: closing.cycle };
      throw error;
    }
  };
