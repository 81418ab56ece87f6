/** The survey of one cycle: ask, wait, remind once, handle the answer. Nothing that happens here undoes the closing. */
import type { EndSurvey } from '../activities/end-survey.js';
import type { SendSurvey } from '../activities/send-survey.js';
import { workflowIdOf } from '../contract/ids.js';
import { taskQueue, workflowType, type AnsweredSignal } from '../contract/messages.js';
import { extendedUntil, reminderDueAt, surveyExpiresAt } from '../policy/deadlines.js';
import { isInReopenWindow, hasConfirmationLink } from '../policy/links.js';
import { isBadAddress, isSenderFault } from '../policy/delivery.js';
import { alertsOperator, alertsUpTo } from '../policy/survey.js';
import { raiseAlert } from './alert-operator.js';
import { deliverMail, raiseSenderFault } from './deliver-mail.js';
import { undefinedIfFailed } from './failure.js';
import { fromNow, reopenForCustomer, type RunState } from './run.js';
import { startOnce } from './start-once.js';
import * as steps from './steps.js';
import { publish } from './visibility.js';
import { attemptOrPark, wait, type Condition } from './waiting.js';

/** Waits for the policy's delay, then asks. The confirmation page asks at once. */
export async function startSurvey(run: RunState, isOver: Condition): Promise<void> {
  const { survey } = run.policy;
  if (run.bounced !== undefined && !isSenderFault(run.bounced))
    return endSurvey(run, 'undeliverable', { reason: run.bounced });
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
  const { survey: known } = run;
  const { remindAt, expiresAt } = deadlines(run);
  publish(run, { waitingFor: "the customer's answer", until: expiresAt.toISOString() });
  const summary = remindAt ? 'Until the reminder' : 'Until the survey expires';
  const left = (remindAt ?? expiresAt).getTime() - Date.now();
  const hasRequest = () => run.surveyOperations.length > 0 || run.bounced !== undefined;
  // Whatever the run learned by looking again is in another record.
  const isInterrupted = () => isOver() || hasRequest() || run.survey !== known;
  if (isInterrupted() || (left > 0 && (await wait(run, isInterrupted, left, summary)))) {
    if (!isOver() && hasRequest()) await handleBounceOrOperation(run, isOver);
  } else if (remindAt) {
    run.reminded = true;
    await sendSurveyMail(run, 'reminder', isOver);
  } else {
    await endSurvey(run, 'expired');
  }
}

function deadlines(run: RunState): { remindAt?: Date; expiresAt: Date } {
  const { survey, reminded, confirmation } = run;
  const policy = run.policy.survey;
  const sentAt = survey.sentAt ? new Date(survey.sentAt) : new Date();
  const expiresAt = survey.expiresAt ? new Date(survey.expiresAt) : surveyExpiresAt(policy, sentAt);
  const isReminded = reminded || hasConfirmationLink(confirmation?.state); // the warning was the one reminder
  const remindAt = isReminded ? undefined : reminderDueAt(policy, sentAt);
  return { remindAt: remindAt && remindAt < expiresAt ? remindAt : undefined, expiresAt };
}

/** A bounce means that nobody will answer; otherwise the operators' requests are handled in order. */
async function handleBounceOrOperation(run: RunState, isOver: Condition): Promise<void> {
  const { reportId, cycle, bounced } = run;
  if (bounced !== undefined) {
    delete run.bounced;
    if (isSenderFault(bounced)) return sendAgainLater(run, bounced, isOver);
    await endSurvey(run, 'undeliverable', { reason: bounced });
    if (!isBadAddress(bounced)) await raiseAlert({ kind: 'undeliverable', failure: bounced, at: fromNow(0) });
    return;
  }
  const operation = run.surveyOperations.shift();
  switch (operation?.name) {
    case 'resendSurvey':
      return sendSurveyMail(run, 'survey', isOver, operation.by);
    case 'revokeSurvey':
      return endSurvey(run, 'expired', { reason: 'revoked', by: operation.by });
    case 'extendSurvey': {
      const until = extendedUntil(deadlines(run).expiresAt, operation.days ?? 0).toISOString();
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

/** The mail was refused because of us, so the customer never got it. */
async function sendAgainLater(run: RunState, bounced: string, isOver: Condition): Promise<void> {
  run.senderFaults++;
  const pause = await raiseSenderFault(run, bounced);
  const left = Math.min(pause, deadlines(run).expiresAt.getTime() - Date.now());
  publish(run, { waitingFor: 'the mail relay to accept our mail', until: fromNow(left) });
  const { retries } = run;
  const isInterrupted = () => isOver() || run.surveyOperations.length > 0 || run.retries !== retries;
  await wait(run, isInterrupted, left, 'Until the mail is sent again');
  if (!isOver() && run.surveyOperations.length === 0) await sendSurveyMail(run, 'survey', isOver, 'closeout');
}

/** Mails the customer, or records why not. A mail that the relay refuses permanently makes the survey undeliverable. */
async function sendSurveyMail(
  run: RunState,
  kind: SendSurvey['kind'],
  isOver: Condition,
  requestedBy?: string,
): Promise<void> {
  const { reportId, cycle } = run;
  const { survey, reopen } = run.policy;
  const giveUpAt = surveyExpiresAt(survey, new Date()).getTime();
  const step = ({ sendSurvey }: steps.MailSteps) =>
    sendSurvey.executeWithOptions(steps.forAtMost(giveUpAt - Date.now(), run), [
      {
        reportId,
        cycle,
        kind,
        brand: run.policy.brand,
        policy: survey,
        reopen,
        byOperator: run.skipSurveyBy !== undefined,
        againFor: requestedBy,
      },
    ]);
  const { sent, refused } = await deliverMail(run, {
    name: 'sendSurvey',
    waitingFor: 'the survey mail to be accepted',
    step,
    isUnwanted: isOver,
    wakeUp: () => isOver() || run.skipSurveyBy !== undefined,
    giveUpAt,
  });
  if (sent && 'handedOver' in sent) await waitForDelivery(run, sent, isOver);
  else if (sent) run.survey = sent;
  if (refused) await handleRefusal(run, kind === 'survey' && !requestedBy, refused);
}

/** Another channel brings the link to the customer, and says what became of it. */
async function waitForDelivery(
  run: RunState,
  { handedOver, until }: { handedOver: string; until: string },
  isOver: Condition,
): Promise<void> {
  const { reportId, cycle } = run;
  publish(run, { waitingFor: 'another channel to deliver the survey', until });
  const isOurs = () => run.delivery !== undefined && (run.delivery.surveyId ?? handedOver) === handedOver;
  const isSkipped = () => run.skipSurveyBy !== undefined;
  const left = Date.parse(until) - Date.now();
  await wait(run, () => isOurs() || isSkipped() || isOver(), left, 'Until the survey is delivered');
  if (isOver()) return;
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

/** A refused reminder or second copy leaves the survey open: its first mail did arrive. */
async function handleRefusal(run: RunState, isFirst: boolean, failure: string): Promise<void> {
  if (isFirst) await endSurvey(run, 'undeliverable', { reason: failure });
  if (failure !== 'RecipientRefused') await raiseAlert({ kind: 'undeliverable', failure, at: fromNow(0) });
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

/** Handles the answer, and its change if one arrives meanwhile. */
export async function handleAnswer(run: RunState): Promise<void> {
  run.survey = { ...run.survey, state: 'answered' };
  while (run.answer && hasNewAnswer(run)) {
    const { reportId, answer } = run;
    const { surveyId = '', revision = 1 } = answer;
    await handleAnswerOnce(run, answer);
    await recordHandled(run, { reportId, surveyId, revision });
    run.actedOnRevision = revision;
  }
}

async function recordHandled(run: RunState, answer: Parameters<typeof steps.recordAnswerHandled>[0]): Promise<void> {
  if (await steps.recordAnswerAtOnce(answer).then(() => true, undefinedIfFailed)) return;
  const step = () => steps.recordAnswerHandled.executeWithOptions(steps.untilGivenUp(run), [answer]);
  await attemptOrPark(run, { name: 'recordAnswerHandled', step });
}

/** A low score alerts an operator, and so may a changed one; "not solved" reopens the report. */
async function handleAnswerOnce(run: RunState, { score, scale, solved, revision = 1 }: AnsweredSignal): Promise<void> {
  const { reportId, cycle } = run;
  const scoreAtMost = alertsUpTo(run.policy.alert, scale);
  if (alertsOperator({ score, solved }, scoreAtMost) || revision > 1)
    await raiseAlert({ kind: 'answer', reportId, cycle, revision, scoreAtMost });
  if (solved !== false || run.state !== 'closed') return;
  if (isInReopenWindow(run.survey.reopenUntil, new Date())) reopenForCustomer(run);
  else await openFollowUp(run);
}

/** Too late to reopen: opens a new report that refers to this one, with a run of its own. */
async function openFollowUp(run: RunState): Promise<void> {
  const { reportId, cycle } = run;
  const followUp = await attemptOrPark(run, {
    name: 'openFollowUp',
    step: () =>
      steps.openFollowUp.executeWithOptions(steps.inSystem(run.system, steps.untilGivenUp(run)), [{ reportId, cycle }]),
  });
  if (followUp === undefined) return;
  await startOnce(workflowType, {
    workflowId: workflowIdOf(followUp),
    taskQueue,
    args: [{ reportId: followUp }],
    staticSummary: `Close problem report ${followUp}`,
  });
}
