import type { Contact, Report, SurveyRecord } from '../contract/reports.js';
import { toRecord, type Survey } from '../outside/surveys/surveys.js';
import type { Policy } from '../policy/settings.js';
import { hashAddress, sampleBucketOf } from '../outside/surveys/addresses.js';
import { surveyMail, type Mail } from '../customer/mail.js';
import { quietUntil } from '../customer/calendar.js';
import { newSurveyId, type Deps } from './deps.js';
import { mailCustomer } from './mail-customer.js';

export interface SendSurvey {
  reportId: string;
  cycle: number;
  kind: 'survey' | 'reminder';
  policy: Policy['survey'];
  reopenWithin: number;
  byOperator: boolean;
  /** The operator who wants the survey mail sent once more although it was accepted before. */
  againFor?: string;
}

/** The survey, or until when its mail has to wait for the customer's quiet hours to end (ISO 8601). */
export type SentSurvey = SurveyRecord | { holdUntil: string };

/**
 * Asks the customer, or records why not. Safe to repeat: the decision is made once a cycle and kept; every try sends
 * the same bytes under the same Message-ID; what is marked sent is not sent again.
 */
export const sendSurvey =
  (deps: Deps) =>
  async (request: SendSurvey): Promise<SentSurvey> => {
    const { reportId, cycle, kind, policy, againFor } = request;
    const { reports, surveys } = deps;
    const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
    const address = contact?.emailAddress;
    const hash = address && hashAddress(address, deps.addressKey);
    const holdUntil = againFor ? undefined : quietUntil(new Date(), policy.quietHours, contact?.timeZone);
    const survey = await surveys.decide({
      ...{ report, cycle, contact, policy },
      addressHash: hash,
      reopenWithin: request.reopenWithin,
      sampleBucket: sampleBucketOf(reportId),
      byOperator: request.byOperator,
      onHold: holdUntil !== undefined,
      newId: newSurveyId,
    });
    if (!address || !hash || !isDue(survey, kind, againFor)) return toRecord(survey);
    if (survey.state === 'sent' && (await surveys.isBlocked(hash))) return toRecord(survey);
    // Whose link the customer has already: the question stands on its page from now on.
    const isOnPage = survey.state === 'claimed' && ['yes', 'silence', 'released'].includes(survey.confirmation ?? '');
    if (isOnPage) return toRecord(await surveys.markSent(survey.id, kind, 'on the page of the confirmation'));
    if (holdUntil) return { holdUntil: holdUntil.toISOString() };
    const mail = await compose(deps, survey, report, { ...contact, emailAddress: address }, request);
    await mailCustomer(deps, mail, hash);
    if (againFor) await surveys.note(survey.id, 'sentAgain', { by: againFor });
    return toRecord(await surveys.markSent(survey.id, kind));
  };

function isDue(survey: Survey, kind: SendSurvey['kind'], againFor: string | undefined): boolean {
  if (survey.state === 'claimed') return kind === 'survey';
  if (survey.state !== 'sent') return false;
  return kind === 'survey' ? againFor !== undefined : survey.reminded_at === null;
}

/** Made only of what the database holds, never of the clock of the try. */
async function compose(
  { surveys, mail }: Deps,
  survey: Survey,
  report: Report,
  contact: Contact & { emailAddress: string },
  { kind, cycle, policy }: SendSurvey,
): Promise<Mail> {
  const first = survey.mailed_at ?? survey.claimed_at;
  const reminder = new Date((survey.sent_at ?? first).getTime() + (policy.reminderAfter ?? 0));
  const about = {
    ...{ kind, surveyId: survey.id, report, contact },
    earlier: cycle > 1 ? await surveys.mailedBefore(report.id, cycle) : [],
    date: kind === 'survey' ? first : reminder,
    // Not the extended one: a copy sent again is the same mail.
    expiresAt: new Date(first.getTime() + policy.expiresAfter),
  };
  return surveyMail(about, mail);
}
