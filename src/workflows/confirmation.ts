/** Before the closing the customer is asked whether it is fixed (MEF 124) and warned once; silence counts as the policy says. */
import { condition } from '@temporalio/workflow';
import type { AskConfirmation } from '../activities/ask-confirmation.js';
import type { SettleConfirmation } from '../activities/settle-confirmation.js';
import type { Confirmation } from '../policy/settings.js';
import { callOperator } from './alert-operator.js';
import { park, type Parking } from './attempt-or-park.js';
import { deliver, type Over } from './deliver-mail.js';
import { mustPassOn, noteCustomersNo, policyOf, type Run } from './run.js';
import * as steps from './steps.js';
import { show } from './visibility.js';

/** Returns once the report may be closed, or its status changed: by the customer's "no", or otherwise. */
export async function askWhetherFixed(run: Run, changed: Over): Promise<void> {
  const { confirmation: policy } = policyOf(run);
  if (!policy) return;
  const isReleased = () => run.releasedBy !== undefined || run.closeByHand;
  const over = () => changed() || isReleased() || saidOf(run) !== undefined;
  if (!run.confirmation) await ask(run, policy, over);
  while (isAwaited(run, policy) && !over() && !mustPassOn()) await listen(run, policy, over);
  if (changed() || (mustPassOn() && !over())) return;
  const said = saidOf(run);
  if (said === undefined && isReleased()) await settle(run, 'released', clearingOf(run));
  if (!run.confirmation) return;
  if (said !== undefined) run.confirmation.state = said ? 'yes' : 'no';
  if (run.confirmation.state === 'no') noteCustomersNo(run);
}

const clearingOf = ({ confirmation, situation }: Run): string =>
  confirmation?.clearedAt ?? situation.at ?? new Date().toISOString();

/** Who cannot be reached is not waited for, unless the policy says so. */
const isAwaited = ({ confirmation }: Run, { onSilence }: Confirmation): boolean =>
  confirmation?.state === 'sent' || (confirmation?.state === 'unreachable' && onSilence === 'hold');

/** What the customer said of this clearing. */
function saidOf({ confirmation, said }: Run): boolean | undefined {
  const isAboutIt = said?.surveyId === confirmation?.surveyId && said?.clearedAt === confirmation?.clearedAt;
  return isAboutIt ? said?.fixed : undefined;
}

/** Silence that the policy does not take for a yes. */
const notConfirmed = 'NotConfirmed: nobody has said that it is fixed';

async function listen(run: Run, policy: Confirmation, over: Over): Promise<void> {
  const { confirmation, bounced } = run;
  if (!confirmation) return;
  if (run.held) {
    show(run, { waitingFor: 'an operator to release it, or the customer to say whether it is fixed' });
    await condition(() => over() || !run.held || mustPassOn());
    return;
  }
  const isUnreachable = confirmation.state === 'unreachable' || bounced !== undefined;
  if (confirmation.isOverdue || isUnreachable) {
    const { reportId } = run;
    const { clearedAt } = confirmation;
    if (policy.onSilence === 'hold')
      return leaveToOperator(run, notConfirmed, over, { kind: 'unconfirmed', reportId, clearedAt });
    return settle(run, isUnreachable ? 'unreachable' : 'silence', clearedAt);
  }
  const { warnAt, closesAt } = confirmation;
  show(run, { waitingFor: 'the customer to say whether it is fixed', until: closesAt });
  const summary = warnAt ? 'Until the customer is warned' : 'Until silence is taken for a yes';
  const left = Date.parse(warnAt ?? closesAt) - Date.now();
  const woken = () => over() || run.held || run.bounced !== undefined || mustPassOn();
  if (left > 0 && (await condition(woken, left, { summary }))) return;
  if (warnAt) await warn(run, policy, () => over() || run.held || run.bounced !== undefined);
  else confirmation.isOverdue = true;
}

/** Asks. What the relay refuses for good makes the customer unreachable; what is our own fault waits for an operator. */
async function ask(run: Run, policy: Confirmation, over: Over): Promise<void> {
  const { closing } = policyOf(run);
  const clearedAt = run.situation.at ?? new Date().toISOString();
  while (!over() && !run.confirmation) {
    const { sent, refused } = await deliver(run, {
      ...{ name: 'askConfirmation', waitingFor: 'the mail that asks whether it is fixed to be accepted' },
      step: () => askOnce(run, 'confirm', policy, clearedAt, closing.giveUpAfter),
      ...{ over, woken: over, giveUpAt: Date.now() + closing.giveUpAfter },
    });
    if (sent && 'unasked' in sent) return;
    if (sent) run.confirmation = sent;
    else if (refused !== undefined && isFinal(refused)) return unreachable(run, refused, clearedAt);
    else if (refused !== undefined) {
      const { retries } = run;
      const alert = { kind: 'attention', reportId: run.reportId, step: 'askConfirmation', failure: refused } as const;
      await leaveToOperator(run, refused, () => over() || run.retries !== retries, alert);
    }
  }
}

const isFinal = (failure: string): boolean => ['RecipientRefused', 'MailRefused', 'EAIUnsupported'].includes(failure);

async function unreachable(run: Run, failure: string, clearedAt: string): Promise<void> {
  const { reportId, cycle } = run;
  if (failure !== 'RecipientRefused') await callOperator({ kind: 'undeliverable', reportId, cycle, failure });
  await settle(run, 'unreachable', clearedAt);
}

/** Once, and only while there is still time to answer: the first mail did arrive. */
async function warn(run: Run, policy: Confirmation, over: Over): Promise<void> {
  const { confirmation } = run;
  if (!confirmation) return;
  const { clearedAt, closesAt } = confirmation;
  const giveUpAt = Date.parse(closesAt);
  const { sent } = await deliver(run, {
    ...{ name: 'askConfirmation', waitingFor: 'the warning that silence will be taken for a yes to be accepted' },
    step: () => askOnce(run, 'warning', policy, clearedAt, giveUpAt - Date.now()),
    ...{ over, woken: over, giveUpAt, notAfter: giveUpAt },
  });
  if (sent && !('unasked' in sent)) run.confirmation = sent;
  delete run.confirmation?.warnAt;
}

function askOnce(run: Run, kind: AskConfirmation['kind'], policy: Confirmation, clearedAt: string, forMs: number) {
  const { reportId, cycle, changedBy, skipSurvey } = run;
  const { survey, reopen } = policyOf(run);
  return steps.askConfirmation.executeWithOptions(steps.forAtMost(forMs, run), [
    {
      ...{ reportId, cycle, clearedAt, kind, policy, survey },
      ...{ byOperator: skipSurvey, reopenWithin: reopen.within, ...(changedBy ? { by: changedBy } : {}) },
    },
  ]);
}

/** For an operator; the customer may still say it. */
async function leaveToOperator(run: Run, failure: string, helped: Over, alert: Parking['alert']): Promise<void> {
  await park(run, {
    ...{ step: 'askConfirmation', failure, alert, stop: helped },
    waitingFor: 'an operator, or the customer to say that it is fixed',
    helped: () => helped() || mustPassOn(),
  });
}

/** What the customer said while we stopped waiting comes first. */
async function settle(run: Run, as: SettleConfirmation['as'], clearedAt: string): Promise<void> {
  const { reportId, cycle, confirmation, releasedBy } = run;
  const by = releasedBy ? { by: releasedBy } : {};
  const settled = await steps.settleConfirmation({ reportId, cycle, clearedAt, as, ...by });
  if (settled) run.confirmation = settled.state === 'sent' ? { ...settled, state: as } : settled;
  else if (confirmation) run.confirmation = { ...confirmation, state: as };
}
