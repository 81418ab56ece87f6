/** When a survey, a confirmation or the chance to reopen ends: every deadline of a customer is computed here. */
import type { Survey } from '../contract/survey.js';
import { hasConfirmationLink } from './confirmation.js';
import type { Confirmation, Policy } from './settings.js';
import { day, later, soonAfter } from './time.js';

type SurveyPolicy = Policy['survey'];
type SurveyDates = Pick<Survey, 'state' | 'sentAt' | 'remindedAt' | 'expiresAt' | 'confirmation'>;

/** `sentAt`: the first attempt to send the survey, or the end of a confirmation that asks its question on the page. */
export const surveyExpiresAt = ({ expiresAfter }: SurveyPolicy, sentAt: Date): Date => later(sentAt, expiresAfter);

/** An operator's extension of a survey. */
export const extendedUntil = (expiresAt: Date, days: number): Date => later(expiresAt, days * day);

/** When the one reminder is due; undefined if the policy has none. */
export const reminderDueAt = ({ reminderAfter }: SurveyPolicy, sentAt: Date): Date | undefined =>
  reminderAfter === null ? undefined : later(sentAt, reminderAfter);

/** When the run of a survey writes next: at the reminder, or at the end of the survey; null: it waits for nothing but signals. */
export function nextSurveyWrite(
  { state, sentAt, remindedAt, expiresAt, confirmation }: SurveyDates,
  policy: SurveyPolicy,
): Date | null {
  if (state !== 'sent' || !sentAt || !expiresAt) return null;
  const remindAt = remindedAt || hasConfirmationLink(confirmation) ? undefined : reminderDueAt(policy, sentAt);
  return soonAfter(remindAt && remindAt < expiresAt ? remindAt : expiresAt);
}

/** "Not solved" reopens a report until then. */
export const reopenUntil = ({ within }: Policy['reopen'], closedAt: Date): Date => later(closedAt, within);

/** An answer can be changed until then. */
export const changeableUntil = (answeredAt: Date): Date => later(answeredAt, day);

/** Adds business time to a time, in the customer's calendar. */
export type AddBusinessTime = (start: Date, ms: number) => Date;

/** End of the window in which the customer can confirm. */
export const confirmationEndsAt = ({ window }: Confirmation, askedAt: Date, add: AddBusinessTime): Date =>
  add(askedAt, window);

/** When the one warning before the end of the window is due; undefined if there is none. */
export function warningDueAt(
  { window, warnBefore }: Confirmation,
  askedAt: Date,
  add: AddBusinessTime,
): Date | undefined {
  return warnBefore === null || warnBefore >= window ? undefined : add(askedAt, window - warnBefore);
}
