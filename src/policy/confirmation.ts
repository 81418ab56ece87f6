/** What the state of a confirmation means. Pure. */
import type { ConfirmationState } from '../contract/survey.js';

/** The customer was asked to confirm and has not answered yet. */
export const isAwaitingCustomer = (confirmation: ConfirmationState | null): boolean =>
  confirmation === 'queued' || confirmation === 'sent';

/** The customer has a link to the confirmation page, so the survey's question can be asked there. */
export const hasConfirmationLink = (confirmation: ConfirmationState | null | undefined): boolean =>
  confirmation !== null && confirmation !== undefined && confirmation !== 'unreachable';

/** The confirmation ended with the closing of the report. */
export const endedWithClosing = (confirmation: ConfirmationState | null): boolean =>
  confirmation === 'yes' || confirmation === 'silence' || confirmation === 'released';
