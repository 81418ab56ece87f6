import { createHash, randomBytes } from 'node:crypto';
import { cancellationSignal } from '@temporalio/activity';
import type { MailKind } from '../contract/ids.js';
import type { SurveyRecord } from '../contract/reports.js';
import { toRecord, type Survey } from '../outside/surveys.js';
import type { Policy } from '../policy/settings.js';
import { hashAddress } from '../survey/addresses.js';
import { surveyMail } from '../survey/mail.js';
import type { Deps } from './deps.js';
import { mailVerdict } from './to-failure.js';

export interface SendSurvey {
  reportId: string;
  cycle: number;
  kind: MailKind;
  policy: Policy['survey'];
  byOperator: boolean;
  /** Send the survey mail once more although it was accepted before. */
  again: boolean;
}

/**
 * Asks the customer, or records why not. Safe to repeat: the decision is made once a cycle and kept; every try sends
 * the same bytes under the same Message-ID; what is marked sent is not sent again.
 */
export const sendSurvey =
  (deps: Deps) =>
  async ({ reportId, cycle, kind, policy, byOperator, again }: SendSurvey): Promise<SurveyRecord> => {
    const { reports, surveys, mailer } = deps;
    const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
    const address = contact?.emailAddress;
    const hash = address && hashAddress(address, deps.addressKey);
    const survey = await surveys.decide({
      report,
      cycle,
      contact,
      addressHash: hash,
      policy,
      sampleBucket: createHash('sha256').update(reportId).digest().readUInt32BE() % 100,
      byOperator,
      newId: () => randomBytes(12).toString('base64url'),
    });
    if (!address || !hash || !isDue(survey, kind, again)) return toRecord(survey);
    if (kind === 'reminder' && (await surveys.isBlocked(hash))) return toRecord(survey);
    const mail = surveyMail(
      {
        kind,
        surveyId: survey.id,
        report,
        contact: { ...contact, emailAddress: address },
        date: dateOf(survey, kind, policy),
        expiresAt: survey.expires_at ?? new Date(survey.claimed_at.getTime() + policy.expiresAfter),
      },
      deps.mail,
    );
    try {
      await mailer.send(mail, cancellationSignal());
    } catch (error) {
      const verdict = mailVerdict(error);
      if (verdict?.badAddress) await surveys.suppress(hash, verdict.said, 'rcpt');
      throw error;
    }
    return toRecord(await surveys.markSent(survey.id, kind));
  };

function isDue(survey: Survey, kind: MailKind, again: boolean): boolean {
  if (survey.state === 'claimed') return kind === 'survey';
  if (survey.state !== 'sent') return false;
  return kind === 'survey' ? again : survey.reminded_at === null;
}

/** Fixed by what the database holds, never by the clock of the try. */
function dateOf({ claimed_at, sent_at }: Survey, kind: MailKind, { reminderAfter }: Policy['survey']): Date {
  return kind === 'survey' ? claimed_at : new Date((sent_at ?? claimed_at).getTime() + (reminderAfter ?? 0));
}
