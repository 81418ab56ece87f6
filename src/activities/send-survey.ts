import type { Contact } from '../contract/contact.js';
import type { AskedQuestion } from '../contract/question.js';
import type { Report } from '../contract/reports.js';
import type { Survey, SurveyRecord } from '../contract/survey.js';
import { quietUntil } from '../customer/calendar.js';
import { surveyMail, type SurveyMail, type ThreadStart } from '../customer/mail.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import { nextSurveyWrite, reminderDueAt, surveyExpiresAt } from '../policy/deadlines.js';
import { soonAfter } from '../policy/time.js';
import { endedWithClosing } from '../policy/links.js';
import type { Policy } from '../policy/settings.js';
import type { Deps } from './deps.js';
import { mailCustomer } from './mail-customer.js';
import { questionOf } from './question-of.js';
import { now } from '../outside/database/clock.js';

export interface SendSurvey {
  reportId: string;
  cycle: number;
  kind: 'survey' | 'reminder';
  brand: Policy['brand'];
  policy: Policy['survey'];
  reopen: Policy['reopen'];
  byOperator: boolean;
  /** The operator who wants the survey mail to be sent again although it was accepted before; `closeout`: it was rejected because of its sender. */
  resentBy?: string;
}

/** The survey; or until when quiet hours delay its mail (ISO 8601); or the survey that another channel has to deliver, until when. */
export type SentSurvey = SurveyRecord | { postponedUntil: string } | { handedOver: string; until: string };

/**
 * Asks the customer, or records why not. Safe to repeat: the decision is made once per cycle and kept; every attempt sends the
 * same bytes under the same Message-ID, and none after one succeeded (a copy sent again may be sent twice). A survey is handed over
 * to another channel once.
 */
export async function sendSurvey(deps: Deps, request: SendSurvey): Promise<SentSurvey> {
  const { reportId, cycle, kind, policy, resentBy } = request;
  const { surveys, questions, doNotContact, messages, timeline, ledger } = deps;
  if (resentBy) await surveys.queueAgain(reportId, cycle, surveyExpiresAt(policy, now()));
  const isAfterRejection = resentBy === 'closeout';
  const quiet = (contact: Contact | undefined) =>
    resentBy && !isAfterRejection ? undefined : quietUntil(now(), policy.quietHours, contact?.timeZone);
  const { survey, report, contact, postponedUntil } = await surveys.decide({
    ...request,
    question: await questionOf(deps, policy),
    quietUntil: quiet,
  });
  const address = contact?.emailAddress;
  const isHandedOver = policy.channel === 'handover';
  const isBlocked = async (to: string | undefined) =>
    survey.state === 'sent' &&
    ((to !== undefined && (await doNotContact.isBlocked(to, policy.channel))) ||
      (kind === 'reminder' && (await messages.hasReply(survey.id))));
  const isWanted = (isHandedOver || !!address) && isDue(survey, kind, resentBy);
  const isLeftOut = isWanted && (await isBlocked(address));
  if (isLeftOut && resentBy) await timeline.add(survey.id, 'copyNotSent', { by: resentBy, detail: 'do not contact' });
  if (!isWanted || isLeftOut) {
    // A reminder that is left out is over, too.
    const remindedAt = kind === 'reminder' ? now() : survey.remindedAt;
    await ledger.expect(reportId, nextSurveyWrite({ ...survey, remindedAt }, policy));
    return surveyRecord(survey);
  }
  const sentAt = (isAfterRejection ? undefined : survey.sentAt) ?? now();
  const sent = { ...survey, state: 'sent' as const, sentAt };
  const reminded = { ...sent, remindedAt: now() };
  const expectedAt = nextSurveyWrite(kind === 'survey' ? sent : reminded, policy);
  const replaceEarlier = async () => {
    if (policy.perCycle === 'replace') await surveys.replaceEarlier(reportId, cycle);
  };
  // The customer already has the link: from now on, its page asks the survey's question. An operator wants a mail.
  if (!resentBy && survey.state === 'queued' && endedWithClosing(survey.confirmation)) {
    await replaceEarlier();
    return surveyRecord(
      await surveys.markSent({ id: survey.id, kind, detail: 'on the confirmation page', expectedAt }),
    );
  }
  if (postponedUntil) {
    await ledger.expect(reportId, soonAfter(postponedUntil));
    return { postponedUntil: postponedUntil.toISOString() };
  }
  if (isHandedOver || !address) {
    await replaceEarlier();
    return handOver(deps, survey, contact, request, expectedAt);
  }
  const earlier = cycle > 1 ? await surveys.mailedBefore(reportId, cycle) : [];
  const asked = { survey, question: await questions.of(survey.questionId) };
  const mail = compose(asked, report, { ...contact, emailAddress: address }, earlier, request);
  const noteRefusal = async (code: string) => {
    if (kind === 'reminder') await surveys.markNotSent(survey.id, 'reminder');
    if (survey.state === 'sent') await timeline.add(survey.id, 'copyNotSent', { by: resentBy, detail: code });
    await ledger.expect(reportId, expectedAt);
  };
  const outgoing = surveyMail(mail, deps.mail, deps.brands.of(survey.brand));
  await mailCustomer(deps, reportId, outgoing, kind === 'reminder' || resentBy ? noteRefusal : undefined);
  await replaceEarlier();
  const mailedTo = doNotContact.hashOf(address);
  if (resentBy) await timeline.add(survey.id, 'sentAgain', { by: resentBy });
  return surveyRecord(
    await surveys.markSent({ id: survey.id, kind: isAfterRejection ? 'again' : kind, mailedTo, expectedAt }),
  );
}

/** Another channel delivers the first mail, and says so; nothing depends on its reminder. */
async function handOver(
  { events, surveys, questions, ledger, brands }: Deps,
  survey: Survey,
  contact: Contact | undefined,
  { reportId, kind, resentBy }: SendSurvey,
  expectedAt: Date | null,
): Promise<SentSurvey> {
  const { name, version, scale } = await questions.of(survey.questionId);
  const expiresAt = survey.expiresAt ?? now();
  const about = { kind, question: name, version, scale, expiresAt: expiresAt.toISOString() };
  const { sender } = brands.of(survey.brand);
  const language = contact?.preferredLanguage;
  const details = { ...about, language, brand: survey.brand ?? undefined, publicUrl: sender.publicUrl };
  await events.surveyReady(survey.id, details, resentBy !== undefined);
  if (kind === 'reminder') return surveyRecord(await surveys.markSent({ id: survey.id, kind, expectedAt }));
  if (survey.state === 'sent') {
    // It has been delivered before, so the survey is open whatever becomes of this copy.
    await ledger.expect(reportId, expectedAt);
    return surveyRecord(survey);
  }
  await ledger.expect(reportId, soonAfter(expiresAt));
  return { handedOver: survey.id, until: expiresAt.toISOString() };
}

function isDue({ state, remindedAt }: Survey, kind: SendSurvey['kind'], resentBy: string | undefined): boolean {
  if (state === 'queued') return kind === 'survey';
  if (state !== 'sent') return false;
  return kind === 'survey' ? resentBy !== undefined : remindedAt === null;
}

/** Composed only of what the database holds, never of the time of the attempt. */
function compose(
  { survey, question }: { survey: Survey; question: AskedQuestion },
  report: Report,
  contact: Contact & { emailAddress: string },
  earlier: ThreadStart[],
  { kind, policy }: SendSurvey,
): SurveyMail {
  const mailedAt = survey.mailedAt ?? survey.decidedAt;
  const sentAt = survey.sentAt ?? mailedAt;
  return {
    kind,
    surveyId: survey.id,
    question,
    report,
    contact,
    earlier,
    date: kind === 'survey' ? mailedAt : (reminderDueAt(policy, sentAt) ?? sentAt),
    // Without later extensions: a copy sent again is the same mail. A reminder is sent once, and says what counts now.
    expiresAt: (kind === 'reminder' && survey.expiresAt) || surveyExpiresAt(policy, mailedAt),
  };
}
