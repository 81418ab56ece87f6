import type { Contact } from '../contract/contact.js';
import type { AskedQuestion } from '../contract/question.js';
import type { Report } from '../contract/reports.js';
import type { Survey, SurveyRecord } from '../contract/survey.js';
import { quietUntil } from '../customer/calendar.js';
import { surveyMail, type SurveyMail, type ThreadStart } from '../customer/mail.js';
import { now } from '../outside/database/clock.js';
import type { SurveyDecision } from '../outside/surveys/decide.js';
import { surveyRecord } from '../outside/surveys/survey-row.js';
import { nextSurveyWrite, reminderDueAt, surveyExpiresAt } from '../policy/deadlines.js';
import { soonAfter } from '../policy/time.js';
import { endedWithClosing } from '../policy/confirmation.js';
import type { Policy } from '../policy/settings.js';
import type { Deps } from './deps.js';
import { mailCustomer } from './mail-customer.js';
import { questionOf } from './question-of.js';

export interface SendSurvey {
  reportId: string;
  cycle: number;
  /** `again`: the survey mail, after it was rejected because of its sender. */
  kind: 'survey' | 'again' | 'reminder';
  brand: Policy['brand'];
  policy: Policy['survey'];
  reopen: Policy['reopen'];
  byOperator: boolean;
  /** The operator who wants a mail that was accepted before to be sent again. */
  resentBy?: string;
}

/**
 * The survey; or until when quiet hours delay its mail (ISO 8601); or the survey that another channel has to deliver, until when; or that
 * nothing was asked, because the database does not hold what the run knows: the report is not closed in this cycle, or the survey that was
 * sent is not.
 */
export type SentSurvey =
  SurveyRecord | { postponedUntil: string } | { handedOver: string; until: string } | { unasked: true };

/**
 * Asks the customer, or records why not. Safe to repeat: the decision is made once per cycle and kept; every attempt sends the
 * same bytes under the same Message-ID, and none after one succeeded (a copy sent again may be sent twice). A survey is handed over
 * to another channel once.
 */
export async function sendSurvey(deps: Deps, request: SendSurvey): Promise<SentSurvey> {
  const { reportId, policy, kind } = request;
  const { surveys, ledger } = deps;
  if (isSentAgain(request)) await surveys.queueAgain(reportId, request.cycle, surveyExpiresAt(policy, now()));
  const decision = await decide(deps, request);
  // What follows the first mail is about a survey that was sent: of one that was not, the database has forgotten it.
  if (!decision || (kind !== 'survey' && decision.survey.state === 'queued')) return { unasked: true };
  const { survey, contact, postponedUntil } = decision;
  const address = contact?.emailAddress;
  const isHandedOver = policy.channel === 'handover';
  if ((!isHandedOver && !address) || !isDue(survey, request)) return leaveOut(deps, survey, request);
  if (await isBlocked(deps, survey, address, request)) {
    if (isSentAgain(request)) await noteNotSent(deps, survey, request, 'do not contact');
    return leaveOut(deps, survey, request);
  }
  // The customer already has the link: from now on, its page asks the survey's question. An operator wants a mail.
  if (!isSentAgain(request) && survey.state === 'queued' && endedWithClosing(survey.confirmation)) {
    await replaceEarlier(deps, request);
    const detail = 'on the confirmation page';
    const expectedAt = nextWriteAfter(survey, request);
    return surveyRecord(await surveys.markSent({ id: survey.id, kind, detail, expectedAt }));
  }
  if (postponedUntil) {
    await ledger.expect(reportId, soonAfter(postponedUntil));
    return { postponedUntil: postponedUntil.toISOString() };
  }
  if (isHandedOver || !address) return handOver(deps, survey, contact, request);
  return mailSurvey(deps, decision, { ...contact, emailAddress: address }, request);
}

/** The mail was sent before. */
const isSentAgain = ({ kind, resentBy }: SendSurvey): boolean => kind === 'again' || resentBy !== undefined;
const isFirst = (request: SendSurvey): boolean => request.kind === 'survey' && !isSentAgain(request);

/** An operator who sends a mail again does not wait for quiet hours. */
async function decide(deps: Deps, request: SendSurvey): Promise<SurveyDecision | undefined> {
  const { policy, resentBy } = request;
  return deps.surveys.decide({
    ...request,
    question: await questionOf(deps, policy),
    isSentAgain: isSentAgain(request),
    quietUntil: (contact) => (resentBy ? undefined : quietUntil(now(), policy.quietHours, contact?.timeZone)),
  });
}

function isDue({ state, remindedAt }: Survey, request: SendSurvey): boolean {
  const isReminder = request.kind === 'reminder';
  if (state === 'queued') return !isReminder;
  if (state !== 'sent') return false;
  return isReminder ? remindedAt === null : isSentAgain(request);
}

/** Since the survey was sent, the address was blocked, or the customer has replied and needs no reminder. */
async function isBlocked(
  { doNotContact, messages }: Deps,
  { id, state }: Survey,
  address: string | undefined,
  { kind, policy }: SendSurvey,
): Promise<boolean> {
  if (state !== 'sent') return false;
  if (address !== undefined && (await doNotContact.isBlocked(address, policy.channel))) return true;
  return kind === 'reminder' && messages.hasReply(id);
}

/** A reminder that is left out is over, too. */
async function leaveOut({ ledger }: Deps, survey: Survey, { reportId, kind, policy }: SendSurvey) {
  const remindedAt = kind === 'reminder' ? now() : survey.remindedAt;
  await ledger.expect(reportId, nextSurveyWrite({ ...survey, remindedAt }, policy));
  return surveyRecord(survey);
}

/** When the run writes next, once this mail is accepted. */
function nextWriteAfter(survey: Survey, { kind, policy }: SendSurvey): Date | null {
  const sentAt = (kind === 'again' ? undefined : survey.sentAt) ?? now();
  const remindedAt = kind === 'reminder' ? now() : survey.remindedAt;
  return nextSurveyWrite({ ...survey, state: 'sent', sentAt, remindedAt }, policy);
}

async function replaceEarlier({ surveys }: Deps, { reportId, cycle, policy }: SendSurvey): Promise<void> {
  if (policy.perCycle === 'replace') await surveys.replaceEarlier(reportId, cycle);
}

async function mailSurvey(
  deps: Deps,
  { survey, report }: SurveyDecision,
  contact: Contact & { emailAddress: string },
  request: SendSurvey,
): Promise<SurveyRecord> {
  const { reportId, cycle, kind } = request;
  const { surveys, questions, doNotContact, timeline, ledger } = deps;
  const expectedAt = nextWriteAfter(survey, request);
  const earlier = cycle > 1 ? await surveys.mailedBefore(reportId, cycle) : [];
  const question = await questions.of(survey.questionId);
  const mail = compose({ survey, question }, report, contact, earlier, request);
  const outgoing = surveyMail(mail, deps.mail, deps.brands.of(survey.brand));
  const noteRefusal = async (code: string) => {
    if (kind === 'reminder') await surveys.markNotSent(survey.id, 'reminder');
    if (survey.state === 'sent') await noteNotSent(deps, survey, request, code);
    await ledger.expect(reportId, expectedAt);
  };
  await mailCustomer(deps, reportId, outgoing, isFirst(request) ? undefined : noteRefusal);
  await replaceEarlier(deps, request);
  const mailedTo = doNotContact.hashOf(contact.emailAddress);
  if (isSentAgain(request)) await timeline.add(survey.id, 'sentAgain', { by: authorOf(request) });
  return surveyRecord(await surveys.markSent({ id: survey.id, kind, mailedTo, expectedAt }));
}

const authorOf = ({ kind, resentBy }: SendSurvey): string | undefined => (kind === 'again' ? 'closeout' : resentBy);

async function noteNotSent({ timeline }: Deps, { id }: Survey, request: SendSurvey, detail: string): Promise<void> {
  await timeline.add(id, 'copyNotSent', { by: authorOf(request), detail });
}

/** Another channel delivers the first mail, and says so; nothing depends on its reminder. */
async function handOver(
  deps: Deps,
  survey: Survey,
  contact: Contact | undefined,
  request: SendSurvey,
): Promise<SentSurvey> {
  const { reportId, kind } = request;
  const { events, surveys, questions, ledger, brands } = deps;
  await replaceEarlier(deps, request);
  const expectedAt = nextWriteAfter(survey, request);
  const { name, version, scale } = await questions.of(survey.questionId);
  const expiresAt = survey.expiresAt ?? now();
  const about = { kind: kindOfMail(kind), question: name, version, scale, expiresAt: expiresAt.toISOString() };
  const { sender } = brands.of(survey.brand);
  const language = contact?.preferredLanguage;
  const details = { ...about, language, brand: survey.brand ?? undefined, publicUrl: sender.publicUrl };
  await events.surveyReady(survey.id, details, isSentAgain(request));
  if (kind === 'reminder') return surveyRecord(await surveys.markSent({ id: survey.id, kind, expectedAt }));
  if (survey.state === 'sent') {
    // It has been delivered before, so the survey is open whatever becomes of this copy.
    await ledger.expect(reportId, expectedAt);
    return surveyRecord(survey);
  }
  await ledger.expect(reportId, soonAfter(expiresAt));
  return { handedOver: survey.id, until: expiresAt.toISOString() };
}

const kindOfMail = (kind: SendSurvey['kind']): SurveyMail['kind'] => (kind === 'reminder' ? 'reminder' : 'survey');

/** Composed only of what the database holds, never of the time of the attempt. */
function compose(
  { survey, question }: { survey: Survey; question: AskedQuestion },
  report: Report,
  contact: Contact & { emailAddress: string },
  earlier: ThreadStart[],
  request: SendSurvey,
): SurveyMail {
  const { kind, policy } = request;
  const mailedAt = survey.mailedAt ?? survey.decidedAt;
  const sentAt = survey.sentAt ?? mailedAt;
  // Before the closing, the mail that asked to confirm was sent; the survey was asked on its page.
  const firstAt = endedWithClosing(survey.confirmation) ? sentAt : mailedAt;
  return {
    kind: kindOfMail(kind),
    surveyId: survey.id,
    question,
    report,
    contact,
    earlier,
    date: kind === 'reminder' ? (reminderDueAt(policy, sentAt) ?? sentAt) : firstAt,
    // Every attempt at the first mail says the same; what is sent later says what counts now.
    expiresAt: isFirst(request)
      ? surveyExpiresAt(policy, mailedAt)
      : (survey.expiresAt ?? surveyExpiresAt(policy, firstAt)),
  };
}
