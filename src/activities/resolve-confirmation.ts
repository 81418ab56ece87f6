import type { ConfirmationRecord } from '../contract/survey.js';
import type { Resolution } from '../outside/surveys/confirmations.js';
import { confirmationRecord } from './ask-confirmation.js';
import type { Deps } from './deps.js';

export interface ResolveConfirmation {
  reportId: string;
  cycle: number;
  /** ISO 8601. */
  clearedAt: string;
  as: Resolution;
  /** For `released`: the operator. */
  by?: string;
}

/**
 * Stops waiting for the customer. Returns the confirmation, or null if the customer was never asked about this clearing. A reply
 * that came first takes precedence. Safe to repeat.
 */
export async function resolveConfirmation(
  { confirmations }: Deps,
  { reportId, cycle, clearedAt, as, by }: ResolveConfirmation,
): Promise<ConfirmationRecord | null> {
  const survey = await confirmations.resolve({ reportId, cycle, clearedAt: new Date(clearedAt) }, as, by);
  return survey ? confirmationRecord(survey, clearedAt) : null;
}
