import type { Contact, ConfirmationRecord, Report } from '../contract/reports.js';
import type { Survey } from '../outside/surveys/surveys.js';
import type { Confirmation, Policy } from '../policy/settings.js';
import { hashAddress, sampleBucketOf } from '../outside/surveys/addresses.js';
import { afterBusinessTime, quietUntil } from '../customer/calendar.js';
import { surveyMail, type Mailed, type SurveyMail } from '../customer/mail.js';
import { newSurveyId, type Deps } from './deps.js';
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
  /** An operator does not want the survey's question asked. */
  byOperator: boolean;
  /** For how long after the closing "no" opens the report again, in ms. */
  reopenWithin: number;
  /** Who cleared it. */
  by?: string;
}

/**
 * What stands, and when the one warning is due; or until when the mail has to wait for quiet hours to end (ISO 8601); or that there
 * is nothing to ask: the system of record knows of a newer change, or has closed it already.
 */
export type AskedConfirmation = (ConfirmationRecord & { warnAt?: string }) | { holdUntil: string } | { unasked: true };

/**
 * Asks the customer whether a cleared report is fixed, or warns once that silence will be taken for a yes. Safe to repeat: one
 * row a clearing; every try sends the same bytes under the same Message-ID; what is marked sent is not sent again.
 */
export const askConfirmation =
  (deps: Deps) =>
  async (request: AskConfirmation): Promise<AskedConfirmation> => {
    const { reportId, cycle, kind, policy } = request;
    const { reports, surveys, confirmations } = deps;
    const clearedAt = new Date(request.clearedAt);
    const by = request.by ? { by: request.by } : {};
    const change = { kind: 'cleared', at: request.clearedAt, run: 'asks', ...by } as const;
    if ((await reports.change(reportId, change)).situation.status !== 'cleared') return { unasked: true };
    const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
    const address = contact?.emailAddress;
    const hash = address && hashAddress(address, deps.addressKey);
    const before = await surveys.ofCycle(reportId, cycle);
    const now = new Date();
    const hold = quietUntil(now, request.survey.quietHours, contact?.timeZone);
    const isAsked = before?.confirm_for?.getTime() === clearedAt.getTime();
    if (hold && address && (!isAsked || isDue(before, kind))) return { holdUntil: hold.toISOString() };
    const survey = await confirmations.claim(
      {
        ...{ report, cycle, contact, policy: request.survey, addressHash: hash, byOperator: request.byOperator },
        ...{ sampleBucket: sampleBucketOf(reportId), newId: newSurveyId, reopenWithin: request.reopenWithin },
      },
      {
        clearedAt,
        until: afterBusinessTime(now, policy.window, policy.businessHours, contact?.timeZone),
        unreachable: !hash || (await surveys.isSuppressed(hash)),
      },
    );
    const warnAt = kind === 'confirm' ? warningOf(survey, policy, contact) : undefined;
    const asked = { ...recordOf(survey, request.clearedAt), ...(warnAt ? { warnAt: warnAt.toISOString() } : {}) };
    if (!address || !hash || !isDue(survey, kind)) return asked;
    const earlier = cycle > 1 ? await surveys.mailedBefore(reportId, cycle) : [];
    const mail = compose(survey, report, { ...contact, emailAddress: address }, earlier, request);
    await mailCustomer(deps, surveyMail(mail, deps.mail), hash);
    await confirmations.markSent(survey.id, kind);
    return asked;
  };

const isDue = (survey: Survey, kind: AskConfirmation['kind']): boolean =>
  kind === 'confirm' ? survey.confirmation === 'claimed' : survey.confirmation === 'sent' && survey.warned_at === null;

export function recordOf({ id, confirmation, confirm_until: until }: Survey, clearedAt: string): ConfirmationRecord {
  const isOpen = confirmation === null || confirmation === 'claimed' || confirmation === 'withdrawn';
  const state = isOpen ? 'sent' : confirmation;
  return { surveyId: id, state, clearedAt, closesAt: until?.toISOString() ?? clearedAt };
}

function warningOf(survey: Survey, policy: Confirmation, contact: Contact | undefined): Date | undefined {
  const { window, warnBefore, businessHours } = policy;
  if (warnBefore === null || warnBefore >= window) return undefined;
  return afterBusinessTime(
    survey.mailed_at ?? survey.claimed_at,
    window - warnBefore,
    businessHours,
    contact?.timeZone,
  );
}

/** Made only of what the database holds, never of the clock of the try. */
function compose(
  survey: Survey,
  report: Report,
  contact: Contact & { emailAddress: string },
  earlier: Mailed[],
  { kind, policy, clearedAt }: AskConfirmation,
): SurveyMail {
  const asked = survey.mailed_at ?? survey.claimed_at;
  return {
    ...{ kind, surveyId: survey.id, report: { ...report, clearedAt }, contact, earlier },
    date: (kind === 'warning' ? warningOf(survey, policy, contact) : undefined) ?? asked,
    expiresAt: policy.onSilence === 'close' ? survey.confirm_until : null,
  };
}
