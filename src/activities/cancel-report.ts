import type { Standing } from '../outside/reports/port.js';
import type { Deps } from './deps.js';

/** Safe to repeat: a cancelled report stays cancelled. */
export const cancelReport =
  ({ reports }: Deps) =>
  async ({ reportId, at, by }: { reportId: string; at: string; by?: string }): Promise<Standing> =>
    reports.change(reportId, { kind: 'cancelled', at, ...(by ? { by } : {}) });
