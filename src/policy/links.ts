/** Rules for the links in mails: which of them still accept input. Pure. */
import type { ReportStatus } from '../contract/reports.js';
import type { Survey } from '../contract/survey.js';
import { hasConfirmationLink, isAwaitingCustomer } from './confirmation.js';
import { changeableUntil } from './deadlines.js';

export type LinkState = 'open' | 'changeable' | 'answered' | 'expired' | 'superseded';

/** The state of a survey link. Expiry is decided by the clock, whether or not it has been recorded. */
export function linkState(
  { state, reason, confirmation, expiresAt }: Pick<Survey, 'state' | 'reason' | 'confirmation' | 'expiresAt'>,
  answeredAt: Date | undefined,
  now: Date,
): LinkState {
  if (state === 'superseded') return state;
  if (state === 'skipped') return 'superseded'; // reopened while the relay accepted the mail
  // Before the closing, the customer can only confirm.
  if (state === 'queued' && hasConfirmationLink(confirmation)) return 'expired';
  if (answeredAt && reason === 'reopened') return 'superseded';
  if (answeredAt && reason === 'erased') return 'answered';
  if (answeredAt) return now < changeableUntil(answeredAt) ? 'changeable' : 'answered';
  // Whoever opens the link of a mail that counts as undeliverable has it all the same: another copy of it came back.
  const isOver = state === 'expired' || !expiresAt || now >= expiresAt;
  return isOver ? 'expired' : 'open';
}

export type ConfirmationLinkState = 'open' | 'confirmed' | 'refused' | 'late' | 'withdrawn' | 'cancelled';

/** The state of a confirmation link. It depends on the report, not on the clock. */
export function confirmationLinkState(
  { confirmation, cycle }: Pick<Survey, 'confirmation' | 'cycle'>,
  report: { status: ReportStatus; cycle: number },
): ConfirmationLinkState {
  const { status } = report;
  if (status === 'cancelled' || status === 'rejected') return 'cancelled';
  if (confirmation === 'withdrawn' || cycle < report.cycle) return 'withdrawn';
  if (status === 'closed') return confirmation === 'yes' ? 'confirmed' : 'late';
  if (confirmation === 'no') return 'refused';
  if (status !== 'resolved') return 'withdrawn'; // reopened
  if (confirmation === 'yes') return 'confirmed';
  if (confirmation === 'silence' || confirmation === 'released') return 'late'; // about to be closed
  return isAwaitingCustomer(confirmation) ? 'open' : 'withdrawn';
}

/** "Not solved" reopens the report within the policy's time; later it opens a follow-up report. */
export function isInReopenWindow(reopenUntil: Date | string | null | undefined, now: Date): boolean {
  return !reopenUntil || now <= new Date(reopenUntil);
}
