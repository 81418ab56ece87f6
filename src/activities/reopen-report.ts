import type { Standing } from '../outside/reports/port.js';
import type { Deps } from './deps.js';

/** Safe to repeat: the same change at the same time is applied once, and superseding twice is superseding. */
export const reopenReport =
  ({ reports, surveys }: Deps) =>
  async ({ reportId, at, by }: { reportId: string; at: string; by?: string }): Promise<Standing> => {
    const standing = await reports.change(reportId, { kind: 'reopened', at, ...(by ? { by } : {}) });
    await surveys.supersedeBefore(reportId, standing.cycle);
    return standing;
  };
