import type { ConfirmationRecord } from '../contract/reports.js';
import { recordOf } from './ask-confirmation.js';
import type { Deps } from './deps.js';

export interface SettleConfirmation {
  reportId: string;
  cycle: number;
  /** ISO 8601. */
  clearedAt: string;
  as: 'silence' | 'unreachable' | 'released';
  /** Of `released`: the operator. */
  by?: string;
}

/** The customer is no longer waited for. Returns what then stands: what was said first wins; null: was never asked about this clearing. Safe to repeat. */
export const settleConfirmation =
  ({ confirmations }: Deps) =>
  async ({ reportId, cycle, clearedAt, as, by }: SettleConfirmation): Promise<ConfirmationRecord | null> => {
    const survey = await confirmations.settle({ reportId, cycle, clearedAt: new Date(clearedAt) }, as, by);
    return survey ? recordOf(survey, clearedAt) : null;
  };
