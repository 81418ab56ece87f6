import type { Contact } from '../contract/contact.js';
import type { Report } from '../contract/reports.js';
import type { ConfirmationRecord, Survey } from '../contract/survey.js';
import { afterBusinessTime, quietUntil } from '../customer/calendar.js';
import { surveyMail, type SurveyMail, type ThreadStart } from '../customer/mail.js';
import { confirmationEndsAt, warningDueAt, type AddBusinessTime } from '../policy/deadlines.js';
import { isAwaitingCustomer } from '../policy/links.js';
import type { Confirmation, Policy } from '../policy/settings.js';
import type { Deps } from './deps.js';
import { mailCustomer } from './mail-customer.js';

export interface AskConfirmation {
  reportId: string;
  cycle: number;
  /** ISO 8601: the clearing to be confirmed. */
  clearedAt: string;
  kind: 'confirm' | 'warning';
  policy: Confirmation;
  /** Decides whether the survey's question follows a "yes". */
  survey: Policy['survey'];
  reopen: Policy['reopen'];
  /** An operator does not want the survey's question to be asked. */
  byOperator: boolean;
  /** The author of the change to cleared. */
  by?: string;
}

/**
 * The confirmation, and when the one warning is due; or until when quiet hours delay the mail (ISO 8601); or that there is
 * nothing to ask, because the system of record knows of a newer change or has closed the report.
 */
export type AskedConfirmation =
  (ConfirmationRecord & { warnAt?: string }) | { postponedUntil: string } | { unasked: true };

/**
 * Asks the customer whether the problem is fixed, or warns once that the report will be closed without an answer. Safe to
 * repeat: one row per clearing; every attempt sends the same bytes under the same Message-ID, and none after one succeeded.
 */
export async function askConfirmation(deps: Deps, request: AskConfirmation): Promise<AskedConfirmation> {
  const { reportId, cycle, kind, policy } = request;
  const { reports, surveys, confirmations } = deps;
  const clearedAt = new Date(request.clearedAt);
  const change = { kind: 'cleared', at: request.clearedAt, run: 'caller', by: request.by } as const;
  if ((await reports.change(reportId, change)).state !== 'cleared') return { unasked: true };
  const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
  const address = contact?.emailAddress;
  const addTime = businessTimeOf(policy, contact);
  const now = new Date();
  const before = await surveys.ofCycle(reportId, cycle);
  const isAsked = before?.confirmFor?.getTime() === clearedAt.getTime();
  const postponedUntil = quietUntil(now, request.survey.quietHours, contact?.timeZone);
  if (postponedUntil && address && (!isAsked || isDue(before, kind)))
    return { postponedUntil: postponedUntil.toISOString() };
  const survey = await confirmations.start({
    report,
    cycle,
    contact,
    policy: request.survey,
    reopen: request.reopen,
    byOperator: request.byOperator,
    clearedAt,
    endsAt: confirmationEndsAt(policy, now, addTime),
    unreachable: !address || (await deps.doNotContact.isSuppressed(address)),
  });
  const warnAt = kind === 'confirm' ? warningDueAt(policy, firstMailedAt(survey), addTime) : undefined;
  const asked = { ...confirmationRecord(survey, request.clearedAt), warnAt: warnAt?.toISOString() };
  if (!address || !isDue(survey, kind)) return asked;
  const earlier = cycle > 1 ? await surveys.mailedBefore(reportId, cycle) : [];
  const mail = compose(survey, report, { ...contact, emailAddress: address }, earlier, request);
  await mailCustomer(deps, surveyMail(mail, deps.mail));
  await confirmations.markSent(survey.id, kind);
  return asked;
}

const businessTimeOf =
  ({ businessHours }: Confirmation, contact: Contact | undefined): AddBusinessTime =>
  (start, ms) =>
    afterBusinessTime(start, ms, businessHours, contact?.timeZone);

const firstMailedAt = ({ mailedAt, decidedAt }: Survey): Date => mailedAt ?? decidedAt;

const isDue = ({ confirmation, warnedAt }: Survey, kind: AskConfirmation['kind']): boolean =>
  kind === 'confirm' ? confirmation === 'queued' : confirmation === 'sent' && warnedAt === null;

export function confirmationRecord({ id, confirmation, confirmUntil }: Survey, clearedAt: string): ConfirmationRecord {
  const isOpen = confirmation === null || confirmation === 'withdrawn' || isAwaitingCustomer(confirmation);
  const state = isOpen ? 'sent' : (confirmation as ConfirmationRecord['state']);
  return { surveyId: id, state, clearedAt, closesAt: confirmUntil?.toISOString() ?? clearedAt };
}

/** Composed only of what the database holds, never of the time of the attempt. */
function compose(
  survey: Survey,
  report: Report,
  contact: Contact & { emailAddress: string },
  earlier: ThreadStart[],
  { kind, policy, clearedAt }: AskConfirmation,
): SurveyMail {
  const askedAt = firstMailedAt(survey);
  const warnAt = kind === 'warning' ? warningDueAt(policy, askedAt, businessTimeOf(policy, contact)) : undefined;
  return {
    kind,
    surveyId: survey.id,
    report: { ...report, clearedAt },
    contact,
    earlier,
    date: warnAt ?? askedAt,
    expiresAt: policy.onSilence === 'close' ? survey.confirmUntil : null,
  };
}
