/** Before the closing, asks the customer whether the problem is fixed (MEF 124), warns once, and treats silence as the policy says. */
import type { AskConfirmation } from '../activities/ask-confirmation.js';
import type { ResolveConfirmation } from '../activities/resolve-confirmation.js';
import { isFinalRefusal, isSenderFault } from '../policy/delivery.js';
import type { Confirmation } from '../policy/settings.js';
import type { Clearing } from '../policy/standing.js';
import { raiseAlert } from './alert-operator.js';
import { deliverMail, planResend } from './deliver-mail.js';
import { codeOf } from './failure.js';
import { nextFence, noteWritten } from './ledger.js';
import { bounceOf } from './customer-signals.js';
import { fromNow, reopenForCustomer, type RunState } from './run.js';
import * as steps from './steps.js';
import { publish } from './visibility.js';
import { attemptOrPark, park, startOver, wait, type Condition, type Parking } from './waiting.js';

/** The customer was asked about this clearing, or nobody waits for the customer. */
export function isConfirmed({ confirmation, releasedBy, isClosedElsewhere, policy }: RunState): boolean {
  const state = confirmation?.state;
  if (state === 'no') return false;
  if (releasedBy !== undefined || isClosedElsewhere || state === 'yes' || state === 'silence' || state === 'released')
    return true;
  return state === 'unreachable' && policy.confirmation?.onSilence !== 'hold';
}

/** A mail that was rejected because of its sender has asked nobody. */
export const wasAsked = (run: RunState): boolean =>
  run.confirmation !== undefined && !isSenderFault(bounceOf(run) ?? '');

/** Returns once the report may be closed, or its state changed, be it by the customer's "no" or otherwise. */
export async function confirmWithCustomer(run: RunState): Promise<void> {
  const { confirmation: policy } = run.policy;
  const { clearing } = run;
  if (!clearing) return;
  const isChanged = () => run.state !== 'cleared' || !isCurrent(run, clearing);
  const isReleased = () =>
    !policy || run.releasedBy !== undefined || run.closeByHand !== undefined || run.isClosedElsewhere;
  const isDecided = () => isChanged() || isReleased() || replyOf(run) !== undefined;
  if (policy && !run.confirmation) await requestConfirmation(run, policy, clearing, isDecided);
  while (policy && isAwaited(run, policy) && !isDecided()) await waitForConfirmation(run, policy, clearing, isDecided);
  if (isChanged()) return;
  const reply = replyOf(run);
  if (reply === undefined && isReleased()) await resolveConfirmation(run, 'released', clearing);
  if (!run.confirmation) return;
  if (reply !== undefined) run.confirmation.state = reply ? 'yes' : 'no';
  if (run.confirmation.state === 'no' && !isChanged()) reopenForCustomer(run);
}

/** Unreachable customers are not waited for, unless the policy does not close on silence. */
const isAwaited = ({ confirmation }: RunState, { onSilence }: Confirmation): boolean =>
  confirmation?.state === 'sent' || (confirmation?.state === 'unreachable' && onSilence === 'hold');

/** Whether the customer says that this clearing fixed the problem; undefined before the customer replies. */
function replyOf({ confirmation, confirmationReply: reply }: RunState): boolean | undefined {
  // As the run found it when it looked again.
  if (confirmation?.state === 'yes' || confirmation?.state === 'no') return confirmation.state === 'yes';
  const isAboutThis = reply?.surveyId === confirmation?.surveyId && reply?.clearedAt === confirmation?.clearedAt;
  return isAboutThis ? reply?.fixed : undefined;
}

async function waitForConfirmation(
  run: RunState,
  policy: Confirmation,
  clearing: Clearing,
  isDecided: Condition,
): Promise<void> {
  const { confirmation } = run;
  const bounced = bounceOf(run);
  if (!confirmation) return;
  if (run.hold) return waitForRelease(run, isDecided);
  if (bounced !== undefined && isSenderFault(bounced))
    return askAgain(run, policy, clearing, { bounced, askedAt: confirmation.askedAt }, isDecided);
  const isUnreachable = confirmation.state === 'unreachable' || bounced !== undefined;
  if (run.isOverdue || isUnreachable) {
    if (policy.onSilence === 'hold') return parkUnconfirmed(run, isDecided);
    return resolveConfirmation(run, isUnreachable ? 'unreachable' : 'silence', clearing);
  }
  const { warnAt, closesAt } = confirmation;
  publish(run, { waitingFor: 'the customer to say whether the problem is fixed', until: closesAt });
  const summary = warnAt ? 'Until the customer is warned' : 'Until the window to confirm ends';
  const left = Date.parse(warnAt ?? closesAt) - Date.now();
  // A look-up replaces this record.
  const isInterrupted = () =>
    isDecided() || !!run.hold || bounceOf(run) !== undefined || run.confirmation !== confirmation;
  if (left > 0 && (await wait(run, isInterrupted, left, summary))) return;
  if (warnAt) await sendWarning(run, policy, clearing, isInterrupted);
  else run.isOverdue = true;
}

/** The mail was rejected because of its sender, so the customer was never asked: asks again, patiently, with a new window. */
async function askAgain(
  run: RunState,
  policy: Confirmation,
  clearing: Clearing,
  { bounced, askedAt }: { bounced: string; askedAt?: string },
  isDecided: Condition,
): Promise<void> {
  const pause = await planResend(run, bounced);
  const { retries } = run;
  const isUnreachable = () => !isSenderFault(bounceOf(run) ?? bounced);
  const isInterrupted = () => isDecided() || isUnreachable() || run.retries !== retries;
  if (pause === undefined) {
    const failure = `MailMisconfigured: the mail that asks to confirm is rejected with ${bounced}`;
    await parkConfirmation(run, isInterrupted, { code: 'MailMisconfigured', failure });
  } else {
    publish(run, { waitingFor: 'the rejected mail to be sent again', until: fromNow(pause), isResend: true });
    await wait(run, isInterrupted, pause, 'Until the mail is sent again');
  }
  if (run.hold) await waitForRelease(run, isDecided);
  if (isDecided() || isUnreachable()) return;
  delete run.bounced; // a repeated one was about the same mail
  delete run.confirmation;
  await requestConfirmation(run, policy, clearing, isDecided, askedAt);
}

async function waitForRelease(run: RunState, isDecided: Condition): Promise<void> {
  publish(run, {
    waitingFor: 'an operator to release the report, or the customer to say whether the problem is fixed',
  });
  await wait(run, () => isDecided() || !run.hold);
}

/** The policy does not close on silence: an operator has to ask the customer, who may still reply on the page. */
async function parkUnconfirmed(run: RunState, isDecided: Condition): Promise<void> {
  await parkConfirmation(run, isDecided, {
    code: 'NotConfirmed',
    failure: 'NotConfirmed: the customer has not said whether the problem is fixed',
  });
}

/** A refused address or message makes the customer unreachable. Any other failure waits for an operator. */
async function requestConfirmation(
  run: RunState,
  policy: Confirmation,
  clearing: Clearing,
  isDecided: Condition,
  rejectedAskedAt?: string,
): Promise<void> {
  const { giveUpAfter } = run.policy.closing;
  const isUnwanted = () => isDecided() || !!run.hold;
  while (!isDecided() && !run.confirmation) {
    if (run.hold) await waitForRelease(run, isDecided);
    if (isDecided()) return;
    const { sent, refused } = await deliverMail(run, {
      name: 'askConfirmation',
      waitingFor: 'the mail that asks whether the problem is fixed to be accepted',
      step: (mail) => askConfirmation(run, mail, { kind: 'confirm', policy, clearing, rejectedAskedAt }, giveUpAfter),
      isUnwanted,
      wakeUp: isUnwanted,
      giveUpAt: Date.now() + giveUpAfter,
    });
    if (sent && 'unasked' in sent) return startOver(run);
    if (sent && isCurrent(run, clearing)) run.confirmation = sent;
    else if (refused !== undefined && isFinalRefusal(refused)) return markUnreachable(run, refused, clearing);
    else if (refused !== undefined) {
      const { retries } = run;
      await parkConfirmation(run, () => isDecided() || run.retries !== retries, {
        code: codeOf(refused),
        failure: refused,
      });
    }
  }
}

async function markUnreachable(run: RunState, failure: string, clearing: Clearing): Promise<void> {
  await resolveConfirmation(run, 'unreachable', clearing, failure);
  // Afterwards: the alert lists the reports that are recorded.
  if (failure !== 'RecipientRefused') await raiseAlert({ kind: 'undeliverable', failure, at: fromNow(0) });
}

/** Sent once, and only if there is still time to reply: the first mail did arrive. */
async function sendWarning(
  run: RunState,
  policy: Confirmation,
  clearing: Clearing,
  isInterrupted: Condition,
): Promise<void> {
  const { confirmation } = run;
  if (!confirmation) return;
  const giveUpAt = Date.parse(confirmation.closesAt);
  const { sent } = await deliverMail(run, {
    name: 'askConfirmation',
    waitingFor: 'the warning before the window to confirm ends to be accepted',
    step: (mail) => askConfirmation(run, mail, { kind: 'warning', policy, clearing }, giveUpAt - Date.now()),
    isUnwanted: isInterrupted,
    wakeUp: isInterrupted,
    giveUpAt,
    notAfter: giveUpAt,
  });
  if (sent && 'unasked' in sent) return startOver(run);
  if (!isCurrent(run, clearing)) return;
  if (!sent && run.confirmation !== confirmation) return; // the run has looked again
  run.confirmation = { ...(sent ?? confirmation), warnAt: undefined, warned: true };
}

async function askConfirmation(
  run: RunState,
  mail: steps.MailSteps,
  asked: Pick<AskConfirmation, 'kind' | 'policy' | 'clearing' | 'rejectedAskedAt'>,
  forMs: number,
) {
  const { skipSurveyBy, clearedBy: change } = run;
  const { brand, survey, reopen } = run.policy;
  const fence = nextFence(run, `clear ${asked.clearing.at}`);
  const request = { ...asked, fence, change, brand, survey, reopen, byOperator: skipSurveyBy !== undefined };
  const confirmation = await mail.askConfirmation.executeWithOptions(steps.forAtMost(forMs, run), [request]);
  if (!('unasked' in confirmation)) noteWritten(run, fence, { state: 'cleared', cycle: run.cycle });
  return confirmation;
}

/** The customer may still reply on the page while an operator is asked to help. */
async function parkConfirmation(
  run: RunState,
  until: Condition,
  attention: Pick<Parking, 'code' | 'failure'>,
): Promise<void> {
  await park(run, {
    ...attention,
    step: 'askConfirmation',
    waitingFor: 'an operator, or the customer to say that the problem is fixed',
    until,
  });
}

/** Ends the wait for the customer. A reply that was stored first takes precedence. */
async function resolveConfirmation(
  run: RunState,
  as: ResolveConfirmation['as'],
  clearing: Clearing,
  failure?: string,
): Promise<void> {
  const { reportId, cycle, confirmation, releasedBy, closeByHand } = run;
  const by = releasedBy ?? closeByHand?.by;
  const request = { reportId, cycle, clearedAt: clearing.at, as, by, failure };
  const resolved = await attemptOrPark(run, {
    name: 'resolveConfirmation',
    step: () => steps.resolveConfirmation.executeWithOptions(steps.untilGivenUp(run), [request]),
  });
  if (!isCurrent(run, clearing)) return;
  if (resolved) run.confirmation = resolved.state === 'sent' ? { ...resolved, state: as } : resolved;
  else if (confirmation) run.confirmation = { ...confirmation, state: as };
}

/** What comes back late, about an earlier clearing, says nothing about the current one. */
const isCurrent = (run: RunState, clearing: Clearing): boolean => run.clearing?.at === clearing.at;
