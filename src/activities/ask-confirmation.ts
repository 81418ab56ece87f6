import type { Contact } from '../contract/contact.js';
import type { Report } from '../contract/reports.js';
import type { ConfirmationRecord, Survey } from '../contract/survey.js';
import { afterBusinessTime, quietUntil } from '../customer/calendar.js';
import { surveyMail, type SurveyMail, type ThreadStart } from '../customer/mail.js';
import { now } from '../outside/database/clock.js';
import { confirmationEndsAt, warningDueAt, type AddBusinessTime } from '../policy/deadlines.js';
import { soonAfter } from '../policy/time.js';
import type { Change } from '../policy/changes.js';
import { isAwaitingCustomer } from '../policy/confirmation.js';
import type { Confirmation, Policy } from '../policy/settings.js';
import type { Clearing, ConfirmationStanding, Fence } from '../policy/standing.js';
import { stateOf } from '../policy/status.js';
import type { Deps } from './deps.js';
import { mailCustomer } from './mail-customer.js';
import { questionOf } from './question-of.js';

export interface AskConfirmation {
  fence: Fence;
  /** The clearing to be confirmed. */
  clearing: Clearing;
  kind: 'confirm' | 'warning';
  policy: Confirmation;
  brand: Policy['brand'];
  /** Decides whether the survey's question follows a "yes". */
  survey: Policy['survey'];
  reopen: Policy['reopen'];
  /** An operator does not want the survey's question to be asked. */
  byOperator: boolean;
  /** The change to cleared. */
  change?: Change;
  /** The mail of that time (ISO 8601) was rejected because of its sender: sends it again, with a new window. */
  rejectedAskedAt?: string;
}

/**
 * The confirmation; or until when quiet hours delay the mail (ISO 8601); or that nothing was asked, because a newer revision was
 * written or the report is no longer cleared.
 */
export type AskedConfirmation = ConfirmationStanding | { postponedUntil: string } | { unasked: true };

/**
 * Asks the customer whether the problem is fixed, or warns once that the report will be closed without an answer. Safe to
 * repeat: one row per clearing; every attempt sends the same bytes under the same Message-ID, and none after one succeeded.
 */
export async function askConfirmation(deps: Deps, request: AskConfirmation): Promise<AskedConfirmation> {
  const { fence, clearing, kind, policy } = request;
  const { reportId, cycle } = fence;
  const { reports, surveys, confirmations, ledger } = deps;
  const clearedAt = new Date(clearing.at);
  const { row, isSuperseded } = await ledger.clear(fence, clearing, request.change);
  if (isSuperseded || row.state !== 'cleared' || stateOf(row.status) !== 'cleared') return { unasked: true };
  const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
  const address = contact?.emailAddress;
  const addTime = businessTimeOf(policy, contact);
  const askedAt = now();
  const before = await surveys.ofCycle(reportId, cycle);
  const isAsked = before?.confirmFor?.getTime() === clearedAt.getTime();
  const postponedUntil = quietUntil(askedAt, request.survey.quietHours, contact?.timeZone);
  const isRejected =
    request.rejectedAskedAt !== undefined &&
    before?.confirmation === 'sent' &&
    before.mailedAt?.toISOString() === request.rejectedAskedAt;
  if (isRejected) await confirmations.forgetAsked(before.id);
  if (postponedUntil && address && (!isAsked || isRejected || isDue(before, kind))) {
    await ledger.expect(reportId, soonAfter(postponedUntil));
    return { postponedUntil: postponedUntil.toISOString() };
  }
  const survey = await confirmations.start({
    report,
    cycle,
    contact,
    brand: request.brand,
    question: await questionOf(deps, request.survey),
    policy: request.survey,
    reopen: request.reopen,
    byOperator: request.byOperator,
    clearedAt,
    endsAt: confirmationEndsAt(policy, askedAt, addTime),
    unreachable: !address || (await deps.doNotContact.isSuppressed(address)),
  });
  const asked = confirmationStanding(survey, policy, contact, kind);
  if (!address || !isDue(survey, kind)) return asked;
  const earlier = cycle > 1 ? await surveys.mailedBefore(reportId, cycle) : [];
  const mail = compose(survey, report, { ...contact, emailAddress: address }, earlier, request);
  const markNotSent = async () => {
    await surveys.markNotSent(survey.id, 'warning');
    await ledger.expect(reportId, soonAfter(new Date(asked.closesAt)));
  };
  const outgoing = surveyMail(mail, deps.mail, deps.brands.of(survey.brand));
  await mailCustomer(deps, reportId, outgoing, kind === 'warning' ? markNotSent : undefined);
  await confirmations.markSent(survey.id, kind, deps.doNotContact.hashOf(address));
  await ledger.expect(reportId, soonAfter(new Date(asked.warnAt ?? asked.closesAt)));
  return asked;
}

const businessTimeOf =
  ({ businessHours }: Confirmation, contact: Contact | undefined): AddBusinessTime =>
  (start, ms) =>
    afterBusinessTime(start, ms, businessHours, contact?.timeZone);

const firstMailedAt = ({ mailedAt, decidedAt }: Survey): Date => mailedAt ?? decidedAt;

const isDue = ({ confirmation, warnedAt }: Survey, kind: AskConfirmation['kind']): boolean =>
  kind === 'confirm' ? confirmation === 'queued' : confirmation === 'sent' && warnedAt === null;

/** The confirmation as a run knows it. `asked`: the mail that was just sent; without it, the database says what was. */
export function confirmationStanding(
  survey: Survey,
  policy: Confirmation | null,
  contact: Contact | undefined,
  asked: AskConfirmation['kind'] = survey.warnedAt ? 'warning' : 'confirm',
): ConfirmationStanding {
  const record = confirmationRecord(survey, survey.confirmFor?.toISOString() ?? '');
  const asking = { ...record, askedAt: survey.mailedAt?.toISOString() };
  if (asked === 'warning') return { ...asking, warned: true };
  if (!policy) return asking;
  const warnAt = warningDueAt(policy, firstMailedAt(survey), businessTimeOf(policy, contact));
  return { ...asking, warnAt: warnAt?.toISOString() };
}

export function confirmationRecord({ id, confirmation, confirmUntil }: Survey, clearedAt: string): ConfirmationRecord {
  // The run that asks sees it as sent until the ledger says otherwise.
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
  { kind, policy, clearing }: AskConfirmation,
): SurveyMail {
  const askedAt = firstMailedAt(survey);
  const warnAt = kind === 'warning' ? warningDueAt(policy, askedAt, businessTimeOf(policy, contact)) : undefined;
  return {
    kind,
    surveyId: survey.id,
    report: { ...report, clearedAt: clearing.at },
    contact,
    earlier,
    date: warnAt ?? askedAt,
    expiresAt: policy.onSilence === 'close' ? survey.confirmUntil : null,
  };
}
