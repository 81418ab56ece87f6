/** The survey of one cycle: ask, wait, remind once, handle the answer. Nothing that happens here undoes the closing. */
import type { EndSurvey } from '../activities/end-survey.js';
import type { SendSurvey } from '../activities/send-survey.js';
import type { AnsweredSignal, SurveyOperation } from '../contract/messages.js';
import { extendedUntil, reminderDueAt, surveyExpiresAt } from '../policy/deadlines.js';
import { hasConfirmationLink } from '../policy/confirmation.js';
import { isInReopenWindow } from '../policy/links.js';
import { isBadAddress, isSenderFault } from '../policy/delivery.js';
import { alertsOperator, alertsUpTo } from '../policy/survey.js';
import { second } from '../policy/time.js';
import { raiseAlert } from './alert-operator.js';
import { deliverMail, planResend } from './deliver-mail.js';
import { undefinedIfFailed } from './failure.js';
import { bounceOf } from './customer-signals.js';
import { fromNow, reopenForCustomer, update, type RunState } from './run.js';
import * as steps from './steps.js';
import { publish } from './visibility.js';
import { attemptOrPark, startOver, wait, type Condition } from './waiting.js';

/** Waits for the policy's delay, then asks. The confirmation page asks at once. */
export async function startSurvey(run: RunState, isOver: Condition): Promise<void> {
  const { survey } = run.policy;
  run.senderFaults = 0; // those of the mail that asked to confirm
  // What came back is the mail that asked to confirm; the other channel may still reach the customer.
  if (survey.channel === 'handover') delete run.bounced;
  const bounced = bounceOf(run);
  if (bounced !== undefined && !isSenderFault(bounced)) {
    await endSurvey(run, 'undeliverable', { reason: bounced });
    if (!isBadAddress(bounced)) await raiseAlert({ kind: 'undeliverable', failure: bounced, at: fromNow(0) });
    return;
  }
  const since = run.closedAt ? Math.max(0, Date.now() - Date.parse(run.closedAt)) : 0; // the ledger's clock may be ahead
  const left = survey.delay - since;
  const isSkipped = () => run.skipSurveyBy !== undefined;
  if (survey.enabled && left > 0 && !isSkipped() && !hasConfirmationLink(run.confirmation?.state)) {
    publish(run, { waitingFor: 'the delay before the survey', until: fromNow(left) });
    await wait(run, () => isOver() || isSkipped(), left, 'Delay before the survey');
  }
  await sendSurveyMail(run, 'survey', isOver);
}

/** The survey is open, or an operator wants to send one again that could not be delivered. */
export const isSurveyOpen = ({ survey, surveyOperations }: RunState): boolean =>
  survey.state === 'sent' || (survey.state === 'undeliverable' && surveyOperations.length > 0);

/** Waits for the answer. Sends the one reminder, and ends the survey when it expires. */
export async function waitForAnswer(run: RunState, isOver: Condition): Promise<void> {
  const { survey: known, resendAt } = run;
  const { next, at, summary } = nextDeadline(run);
  const expiresAt = expiryOf(run).toISOString();
  publish(
    run,
    next === 'resend'
      ? { waitingFor: 'the rejected mail to be sent again', until: at.toISOString(), isResend: true }
      : { waitingFor: "the customer's answer", until: expiresAt },
  );
  const left = at.getTime() - Date.now();
  const hasRequest = () => run.surveyOperations.length > 0 || bounceOf(run) !== undefined;
  // A look-up replaces this record.
  const isInterrupted = () => isOver() || hasRequest() || run.resendAt !== resendAt || run.survey !== known;
  const isEarly = isInterrupted() || (left > 0 && (await wait(run, isInterrupted, left, summary)));
  if (isOver()) return;
  if (hasRequest()) return handleBounceOrOperation(run, isOver);
  if (isEarly) return;
  switch (next) {
    case 'resend':
      return sendSurveyMail(run, 'again', isOver);
    case 'remind':
      return sendSurveyMail(run, 'reminder', isOver);
    case 'expire':
      return endSurvey(run, 'expired');
  }
}

interface Deadline {
  next: 'resend' | 'remind' | 'expire';
  at: Date;
  summary: string;
}

/** Nothing is sent any more when the survey expires. A mail that came back is sent again before anybody is reminded of it. */
function nextDeadline(run: RunState): Deadline {
  const { reminded, confirmation, resendAt } = run;
  const isReminded = reminded || hasConfirmationLink(confirmation?.state); // the warning was the one reminder
  const remindAt = isReminded ? undefined : reminderDueAt(run.policy.survey, sentAtOf(run));
  const expire = { next: 'expire', at: expiryOf(run), summary: 'Until the survey expires' } as const;
  const first: Deadline | undefined = resendAt
    ? { next: 'resend', at: new Date(resendAt), summary: 'Until the mail is sent again' }
    : remindAt && { next: 'remind', at: remindAt, summary: 'Until the reminder' };
  return first && first.at < expire.at && expire.at > new Date() ? first : expire;
}

const sentAtOf = ({ survey: { sentAt } }: RunState): Date => (sentAt ? new Date(sentAt) : new Date());

const expiryOf = (run: RunState): Date =>
  run.survey.expiresAt ? new Date(run.survey.expiresAt) : surveyExpiresAt(run.policy.survey, sentAtOf(run));

/** A bounce means that nobody will answer; otherwise the operators' requests are handled in order. */
async function handleBounceOrOperation(run: RunState, isOver: Condition): Promise<void> {
  const bounced = bounceOf(run);
  if (bounced !== undefined) {
    const { bounced: handled } = run;
    const isSentAgain = isSenderFault(bounced) && (await resendLater(run, bounced));
    if (!isSentAgain) await endSurvey(run, 'undeliverable', { reason: bounced });
    if (run.bounced === handled) delete run.bounced;
    if (isBadAddress(bounced) || isSentAgain) return;
    return raiseAlert({ kind: 'undeliverable', failure: bounced, at: fromNow(0) });
  }
  const [operation] = run.surveyOperations;
  await perform(run, operation, isOver);
  // Only now: what has begun is begun again if the run continues in another meanwhile.
  run.surveyOperations = run.surveyOperations.filter((other) => other !== operation);
}

async function perform(run: RunState, operation: SurveyOperation | undefined, isOver: Condition): Promise<void> {
  const { reportId, cycle } = run;
  switch (operation?.name) {
    case 'resendSurvey':
      return sendSurveyMail(run, 'survey', isOver, operation.by);
    case 'revokeSurvey':
      return endSurvey(run, 'expired', { reason: 'revoked', by: operation.by });
    case 'extendSurvey': {
      const until = extendedUntil(expiryOf(run), operation.days ?? 0).toISOString();
      const extended = await attemptOrPark(run, {
        name: 'extendSurvey',
        step: () =>
          steps.extendSurvey.executeWithOptions(steps.untilGivenUp(run), [
            { reportId, cycle, until, by: operation.by },
          ]),
        stop: isOver,
      });
      if (extended) run.survey = extended;
    }
  }
}

/** Returns whether the mail is sent again. Another bounce before that is about the same mail. */
async function resendLater(run: RunState, bounced: string): Promise<boolean> {
  if (run.resendAt !== undefined) return true;
  const pause = await planResend(run, bounced);
  if (pause !== undefined) run.resendAt = fromNow(pause);
  return pause !== undefined;
}

/** Mails the customer, or records why not. A mail that the relay refuses permanently makes the survey undeliverable. */
async function sendSurveyMail(
  run: RunState,
  kind: SendSurvey['kind'],
  isOver: Condition,
  resentBy?: string,
): Promise<void> {
  const { reportId, cycle } = run;
  const { survey, reopen } = run.policy;
  const isReminder = kind === 'reminder';
  const giveUpAt = (isReminder ? expiryOf(run) : surveyExpiresAt(survey, new Date())).getTime();
  const isCopy = kind !== 'survey' || resentBy !== undefined;
  const wasRejected = kind === 'again' || run.resendAt !== undefined;
  const isUnwanted = () => isOver() || (isCopy && isWithdrawn(run));
  const step = async ({ sendSurvey }: steps.MailSteps) => {
    const result = await sendSurvey.executeWithOptions(steps.forAtMost(giveUpAt - Date.now(), run), [
      {
        reportId,
        cycle,
        kind,
        brand: run.policy.brand,
        policy: survey,
        reopen,
        byOperator: run.skipSurveyBy !== undefined,
        resentBy,
      },
    ]);
    // Meanwhile, the survey may be answered, or end.
    if (kind !== 'again' || !('postponedUntil' in result)) return result;
    return { resendAt: fromNow(Math.max(second, Date.parse(result.postponedUntil) - Date.now())) };
  };
  const { sent, refused } = await deliverMail(run, {
    name: 'sendSurvey',
    waitingFor: 'the survey mail to be accepted',
    step,
    isUnwanted,
    wakeUp: () => isUnwanted() || run.skipSurveyBy !== undefined,
    giveUpAt,
    notAfter: isReminder ? giveUpAt : undefined,
  });
  if (sent && 'unasked' in sent) return startOver(run);
  if (isReminder) run.reminded = true;
  else delete run.resendAt;
  if (sent && 'resendAt' in sent) return update(run, sent);
  if (sent && 'handedOver' in sent) await waitForDelivery(run, sent, isOver);
  else if (sent) run.survey = sent;
  // The mail was faster than the operator.
  if (!isCopy && run.skipSurveyBy !== undefined && run.survey.state === 'sent')
    await endSurvey(run, 'expired', { reason: 'revoked', by: run.skipSurveyBy });
  if (!refused) return;
  // One that was rejected because of its sender has not reached the customer.
  const hasArrived = isCopy && !wasRejected && run.survey.state === 'sent';
  if (hasArrived && isReminder) return; // the timeline says so
  if (hasArrived) return raiseAlert({ kind: 'copyRefused', failure: refused, reportId, at: fromNow(0) });
  await endSurvey(run, 'undeliverable', { reason: refused });
  if (refused !== 'RecipientRefused') await raiseAlert({ kind: 'undeliverable', failure: refused, at: fromNow(0) });
}

/** An operator has ended the survey, or its mail has come back: no copy and no reminder is sent any more. */
const isWithdrawn = (run: RunState): boolean =>
  bounceOf(run) !== undefined || run.surveyOperations.some(({ name }) => name === 'revokeSurvey');

/** Another channel brings the link to the customer, and says what became of it. */
async function waitForDelivery(
  run: RunState,
  { handedOver, until }: { handedOver: string; until: string },
  isOver: Condition,
): Promise<void> {
  const { reportId, cycle, survey: known } = run;
  publish(run, { waitingFor: 'another channel to deliver the survey', until });
  const isOurs = () => run.delivery !== undefined && (run.delivery.surveyId ?? handedOver) === handedOver;
  const isSkipped = () => run.skipSurveyBy !== undefined;
  const left = Date.parse(until) - Date.now();
  // A look-up replaces this record; what is to be delivered may have been lost.
  const isInterrupted = () => isOver() || run.survey !== known;
  await wait(run, () => isOurs() || isSkipped() || isInterrupted(), left, 'Until the survey is delivered');
  if (isInterrupted()) return;
  const delivery = isOurs() ? run.delivery : { failure: 'NotDelivered' };
  delete run.delivery;
  if (isSkipped()) return endSurvey(run, 'expired', { reason: 'revoked', by: run.skipSurveyBy });
  if (delivery?.failure !== undefined) return endSurvey(run, 'undeliverable', { reason: delivery.failure });
  const policy = run.policy.survey;
  const recorded = await attemptOrPark(run, {
    name: 'recordDelivery',
    step: () => steps.recordDelivery.executeWithOptions(steps.untilGivenUp(run), [{ reportId, cycle, policy }]),
    stop: isOver,
  });
  if (recorded) run.survey = recorded;
}

async function endSurvey(
  run: RunState,
  as: EndSurvey['as'],
  why: Pick<EndSurvey, 'reason' | 'by'> = {},
): Promise<void> {
  const { reportId, cycle } = run;
  const ended = await attemptOrPark(run, {
    name: 'endSurvey',
    step: () => steps.endSurvey.executeWithOptions(steps.untilGivenUp(run), [{ reportId, cycle, as, ...why }]),
    stop: () => run.state !== 'closed',
  });
  run.survey = ended ?? { ...run.survey, state: as };
}

/** True once the customer answered this cycle's survey. */
export const isAnswered = ({ answer, survey }: RunState): boolean =>
  answer !== undefined && survey.id === answer.surveyId;

/** The answer has a revision that was not acted on yet. */
export const hasNewAnswer = (run: RunState): boolean =>
  isAnswered(run) && (run.answer?.revision ?? 1) > run.actedOnRevision;

/** Handles the answer, and its change if one arrives meanwhile. `cycle`: that of the survey, if the report's next one has begun. */
export async function handleAnswer(run: RunState, cycle = run.cycle): Promise<void> {
  run.survey = { ...run.survey, state: 'answered' };
  while (run.answer && hasNewAnswer(run)) {
    const { answer } = run;
    await handleAnswerOnce(run, answer, cycle);
    // One that reopens the report is handled once the next cycle has begun.
    if (run.state === 'closed') await recordHandled(run, answer);
    run.actedOnRevision = answer.revision ?? 1;
  }
}

/** A successor of this run does not act on this revision of the answer again. */
export async function recordHandled(run: RunState, { surveyId = '', revision = 1 }: AnsweredSignal): Promise<void> {
  const answer = { reportId: run.reportId, surveyId, revision };
  if (await steps.recordAnswerAtOnce(answer).then(() => true, undefinedIfFailed)) return;
  const step = () => steps.recordAnswerHandled.executeWithOptions(steps.untilGivenUp(run), [answer]);
  await attemptOrPark(run, { name: 'recordAnswerHandled', step });
}

/** A low score alerts an operator, and so may a changed one; "not solved" reopens the report. */
async function handleAnswerOnce(run: RunState, answer: AnsweredSignal, cycle: number): Promise<void> {
  const { reportId, survey } = run;
  const { score, scale, solved, revision = 1, answeredAt = fromNow(0), reopenUntil = survey.reopenUntil } = answer;
  const scoreAtMost = alertsUpTo(run.policy.alert, scale);
  if (alertsOperator({ score, solved }, scoreAtMost) || revision > 1)
    await raiseAlert({ kind: 'answer', reportId, cycle, revision, scoreAtMost });
  if (solved !== false || run.state !== 'closed') return;
  // As the page has said, however late the answer comes here.
  if (isInReopenWindow(reopenUntil, new Date(answeredAt))) reopenForCustomer(run);
  else await openFollowUp(run);
}

/** Too late to reopen: opens a new report that refers to this one, with a run of its own. */
async function openFollowUp(run: RunState): Promise<void> {
  const { reportId, cycle } = run;
  await attemptOrPark(run, {
    name: 'openFollowUp',
    stop: () => run.state !== 'closed', // it is reopened, so the follow-up is not needed
    step: () =>
      steps.openFollowUp.executeWithOptions(steps.inSystem(run.system, steps.untilGivenUp(run)), [{ reportId, cycle }]),
  });
}
