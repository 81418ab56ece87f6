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
  /** For `unreachable`: why the mail was refused. */
  failure?: string;
}

/**
 * Stops waiting for the customer. Returns the confirmation, or null if the customer was never asked about this clearing. A reply
 * that came first takes precedence. Safe to repeat.
 */
export async function resolveConfirmation(
  { confirmations }: Deps,
  { reportId, cycle, clearedAt, as, by, failure }: ResolveConfirmation,
): Promise<ConfirmationRecord | null> {
  const clearing = { reportId, cycle, clearedAt: new Date(clearedAt) };
  const survey = await confirmations.resolve(clearing, as, { by, detail: failure });
  return survey ? confirmationRecord(survey, clearedAt) : null;
}
