/** The survey of one cycle: ask, wait for the answer, remind once. Nothing that happens here undoes the closing. */
import type { EndSurvey } from '../activities/end-survey.js';
import type { SendSurvey } from '../activities/send-survey.js';
import type { SurveyOperation } from '../contract/messages.js';
import { extendedUntil, reminderDueAt, surveyExpiresAt } from '../policy/deadlines.js';
import { hasConfirmationLink } from '../policy/confirmation.js';
import { isBadAddress, isSenderFault } from '../policy/delivery.js';
import { second } from '../policy/time.js';
import { raiseAlert } from './alert-operator.js';
import { deliverMail, planResend } from './deliver-mail.js';
import { bounceOf } from './customer-signals.js';
import { fromNow, update, type RunState } from './run.js';
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
  const isDone = await perform(run, operation, isOver);
  // Only now: what has begun is begun again if the run continues in another meanwhile.
  if (isDone) run.surveyOperations = run.surveyOperations.filter((other) => other !== operation);
}

/** Returns false if the run has to look again first, because the database was restored. */
async function perform(run: RunState, operation: SurveyOperation | undefined, isOver: Condition): Promise<boolean> {
  const { reportId, cycle } = run;
  switch (operation?.name) {
    case 'resendSurvey':
      await sendSurveyMail(run, 'survey', isOver, operation.by);
      break;
    case 'revokeSurvey':
      await endSurvey(run, 'expired', { reason: 'revoked', by: operation.by });
      break;
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
      if (extended?.state === 'none') return startOver(run).then(() => false);
      if (extended) run.survey = extended;
    }
  }
  return true;
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
  const { reportId, cycle } = run;
  const known = { state: 'none', id: handedOver } as const;
  run.survey = known; // also if it was undeliverable before
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
  else if (!isOver()) await endSurvey(run, 'undeliverable', { reason: 'NotDelivered' }); // left by an operator
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
