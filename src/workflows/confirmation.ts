/** Before the closing, asks the customer whether the problem is fixed (MEF 124), warns once, and treats silence as the policy says. */
import { condition } from '@temporalio/workflow';
import type { AskConfirmation } from '../activities/ask-confirmation.js';
import type { ResolveConfirmation } from '../activities/resolve-confirmation.js';
import type { Confirmation } from '../policy/settings.js';
import { raiseAlert } from './alert-operator.js';
import { park, type Condition, type Parking } from './attempt-or-park.js';
import { deliverMail } from './deliver-mail.js';
import { codeOf } from './failure.js';
import { policyOf, reopenForCustomer, shouldContinueAsNew, type RunState } from './run.js';
import * as steps from './steps.js';
import { publish } from './visibility.js';

/** Returns once the report may be closed, or its state changed, be it by the customer's "no" or otherwise. */
export async function confirmWithCustomer(run: RunState, isChanged: Condition): Promise<void> {
  const { confirmation: policy } = policyOf(run);
  if (!policy) return;
  const isReleased = () => run.releasedBy !== undefined || run.closeByHand;
  const isDecided = () => isChanged() || isReleased() || replyOf(run) !== undefined;
  if (!run.confirmation) await requestConfirmation(run, policy, isDecided);
  while (isAwaited(run, policy) && !isDecided() && !shouldContinueAsNew())
    await waitForConfirmation(run, policy, isDecided);
  if (isChanged() || (shouldContinueAsNew() && !isDecided())) return;
  const reply = replyOf(run);
  if (reply === undefined && isReleased()) await resolveConfirmation(run, 'released', clearingOf(run));
  if (!run.confirmation) return;
  if (reply !== undefined) run.confirmation.state = reply ? 'yes' : 'no';
  if (run.confirmation.state === 'no') reopenForCustomer(run);
}

const clearingOf = ({ confirmation, changedAt }: RunState): string =>
  confirmation?.clearedAt ?? changedAt ?? new Date().toISOString();

/** Unreachable customers are not waited for, unless the policy does not close on silence. */
const isAwaited = ({ confirmation }: RunState, { onSilence }: Confirmation): boolean =>
  confirmation?.state === 'sent' || (confirmation?.state === 'unreachable' && onSilence === 'hold');

/** Whether the customer says that this clearing fixed the problem; undefined before the customer replies. */
function replyOf({ confirmation, confirmationReply: reply }: RunState): boolean | undefined {
  const isAboutThis = reply?.surveyId === confirmation?.surveyId && reply?.clearedAt === confirmation?.clearedAt;
  return isAboutThis ? reply?.fixed : undefined;
}

async function waitForConfirmation(run: RunState, policy: Confirmation, isDecided: Condition): Promise<void> {
  const { confirmation, bounced } = run;
  if (!confirmation) return;
  if (run.held) return waitForRelease(run, isDecided);
  const isUnreachable = confirmation.state === 'unreachable' || bounced !== undefined;
  if (confirmation.isOverdue || isUnreachable) {
    if (policy.onSilence === 'hold') return parkUnconfirmed(run, confirmation.clearedAt, isDecided);
    return resolveConfirmation(run, isUnreachable ? 'unreachable' : 'silence', confirmation.clearedAt);
  }
  const { warnAt, closesAt } = confirmation;
  publish(run, { waitingFor: 'the customer to say whether the problem is fixed', until: closesAt });
  const summary = warnAt ? 'Until the customer is warned' : 'Until the window to confirm ends';
  const left = Date.parse(warnAt ?? closesAt) - Date.now();
  const isInterrupted = () => isDecided() || run.held || run.bounced !== undefined;
  if (left > 0 && (await condition(() => isInterrupted() || shouldContinueAsNew(), left, { summary }))) return;
  if (warnAt) await sendWarning(run, policy, isInterrupted);
  else confirmation.isOverdue = true;
}

async function waitForRelease(run: RunState, isDecided: Condition): Promise<void> {
  publish(run, {
    waitingFor: 'an operator to release the report, or the customer to say whether the problem is fixed',
  });
  await condition(() => isDecided() || !run.held || shouldContinueAsNew());
}

/** The policy does not close on silence: an operator has to ask the customer, who may still reply on the page. */
async function parkUnconfirmed(run: RunState, clearedAt: string, isDecided: Condition): Promise<void> {
  const { reportId } = run;
  await parkConfirmation(run, isDecided, {
    code: 'NotConfirmed',
    failure: 'NotConfirmed: the customer has not said whether the problem is fixed',
    alert: { kind: 'unconfirmed', reportId, clearedAt },
  });
}

/** A refused address or message makes the customer unreachable. Any other failure waits for an operator. */
async function requestConfirmation(run: RunState, policy: Confirmation, isDecided: Condition): Promise<void> {
  const { reportId } = run;
  const { giveUpAfter } = policyOf(run).closing;
  const clearedAt = run.changedAt ?? new Date().toISOString();
  while (!isDecided() && !run.confirmation) {
    const { sent, refused } = await deliverMail(run, {
      name: 'askConfirmation',
      waitingFor: 'the mail that asks whether the problem is fixed to be accepted',
      step: () => askConfirmation(run, 'confirm', policy, clearedAt, giveUpAfter),
      isUnwanted: isDecided,
      wakeUp: isDecided,
      giveUpAt: Date.now() + giveUpAfter,
    });
    if (sent && 'unasked' in sent) return;
    if (sent) run.confirmation = sent;
    else if (refused !== undefined && isFinal(refused)) return markUnreachable(run, refused, clearedAt);
    else if (refused !== undefined) {
      const { retries } = run;
      await parkConfirmation(run, () => isDecided() || run.retries !== retries, {
        code: codeOf(refused),
        failure: refused,
        alert: { kind: 'attention', reportId, step: 'askConfirmation', failure: refused },
      });
    }
  }
}

const isFinal = (failure: string): boolean => ['RecipientRefused', 'MailRefused', 'EAIUnsupported'].includes(failure);

async function markUnreachable(run: RunState, failure: string, clearedAt: string): Promise<void> {
  const { reportId, cycle } = run;
  if (failure !== 'RecipientRefused') await raiseAlert({ kind: 'undeliverable', reportId, cycle, failure });
  await resolveConfirmation(run, 'unreachable', clearedAt);
}

/** Sent once, and only if there is still time to reply: the first mail did arrive. */
async function sendWarning(run: RunState, policy: Confirmation, isInterrupted: Condition): Promise<void> {
  const { confirmation } = run;
  if (!confirmation) return;
  const { clearedAt, closesAt } = confirmation;
  const giveUpAt = Date.parse(closesAt);
  const { sent } = await deliverMail(run, {
    name: 'askConfirmation',
    waitingFor: 'the warning before the window to confirm ends to be accepted',
    step: () => askConfirmation(run, 'warning', policy, clearedAt, giveUpAt - Date.now()),
    isUnwanted: isInterrupted,
    wakeUp: isInterrupted,
    giveUpAt,
    notAfter: giveUpAt,
  });
  if (sent && !('unasked' in sent)) run.confirmation = sent;
  delete run.confirmation?.warnAt;
}

function askConfirmation(
  run: RunState,
  kind: AskConfirmation['kind'],
  policy: Confirmation,
  clearedAt: string,
  forMs: number,
) {
  const { reportId, cycle, changedBy, skipSurvey } = run;
  const { survey, reopen } = policyOf(run);
  return steps.askConfirmation.executeWithOptions(steps.forAtMost(forMs, run), [
    { reportId, cycle, clearedAt, kind, policy, survey, reopen, byOperator: skipSurvey, by: changedBy },
  ]);
}

/** The customer may still reply on the page while an operator is asked to help. */
async function parkConfirmation(
  run: RunState,
  until: Condition,
  attention: Pick<Parking, 'code' | 'failure' | 'alert'>,
): Promise<void> {
  await park(run, {
    ...attention,
    step: 'askConfirmation',
    waitingFor: 'an operator, or the customer to say that the problem is fixed',
    until: () => until() || shouldContinueAsNew(),
    stop: until,
  });
}

/** Ends the wait for the customer. A reply that was stored first takes precedence. */
async function resolveConfirmation(run: RunState, as: ResolveConfirmation['as'], clearedAt: string): Promise<void> {
  const { reportId, cycle, confirmation, releasedBy } = run;
  const resolved = await steps.resolveConfirmation({ reportId, cycle, clearedAt, as, by: releasedBy });
  if (resolved) run.confirmation = resolved.state === 'sent' ? { ...resolved, state: as } : resolved;
  else if (confirmation) run.confirmation = { ...confirmation, state: as };
}
