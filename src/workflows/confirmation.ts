/** Before the closing the customer is asked whether it is fixed (MEF 124) and warned once; silence counts as the policy says. */
import { condition } from '@temporalio/workflow';
import type { AskConfirmation } from '../activities/ask-confirmation.js';
import type { SettleConfirmation } from '../activities/settle-confirmation.js';
import type { Confirmation } from '../policy/settings.js';
import { callOperator } from './alert-operator.js';
import { deliver, type Over } from './deliver.js';
import { mustPassOn, noteChange, policyOf, type Run } from './run.js';
import * as steps from './steps.js';
import { show } from './visible.js';

/** Returns once the report may be closed, or its status changed: by the customer's "no", or otherwise. */
export async function askWhetherFixed(run: Run, changed: Over): Promise<void> {
  const { confirmation: policy } = policyOf(run);
  if (!policy) return;
  const isReleased = () => run.releasedBy !== undefined || run.closeByHand;
  const over = () => changed() || isReleased() || saidOf(run) !== undefined;
  if (!run.confirmation) await mail(run, 'confirm', policy, over);
  while (isAwaited(run, policy) && !over() && !mustPassOn()) await listen(run, policy, over);
  if (changed() || (mustPassOn() && !over())) return;
  const said = saidOf(run);
  if (said === undefined && isReleased()) await settle(run, 'released');
  if (!run.confirmation) return;
  if (said !== undefined) run.confirmation.state = said ? 'yes' : 'no';
  if (run.confirmation.state !== 'no') return;
  noteChange(run, { kind: 'reopened', at: new Date().toISOString() });
  run.changedBy = 'customer';
}

/** Who cannot be reached is not waited for, unless the policy says so. */
const isAwaited = ({ confirmation }: Run, { onSilence }: Confirmation): boolean =>
  confirmation?.state === 'sent' || (confirmation?.state === 'unreachable' && onSilence === 'hold');

/** What the customer said of this clearing. */
function saidOf({ confirmation, said }: Run): boolean | undefined {
  const isAboutIt = said?.surveyId === confirmation?.surveyId && said?.clearedAt === confirmation?.clearedAt;
  return isAboutIt ? said?.fixed : undefined;
}

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
    if (policy.onSilence === 'hold') return park(run, over);
    return settle(run, isUnreachable ? 'unreachable' : 'silence');
  }
  const { warnAt, closesAt } = confirmation;
  show(run, { waitingFor: 'the customer to say whether it is fixed', until: closesAt });
  const summary = warnAt ? 'Until the customer is warned' : 'Until silence is taken for a yes';
  const left = Date.parse(warnAt ?? closesAt) - Date.now();
  const woken = () => over() || run.held || run.bounced !== undefined || mustPassOn();
  if (left > 0 && (await condition(woken, left, { summary }))) return;
  if (warnAt) await mail(run, 'warning', policy, over);
  else confirmation.isOverdue = true;
}

/** Silence that the policy does not take for a yes is for an operator; the customer may still say it. */
async function park(run: Run, over: Over): Promise<void> {
  const { reportId, confirmation, situation } = run;
  const since = new Date().toISOString();
  const clearedAt = confirmation?.clearedAt ?? situation.at ?? since;
  run.phase = 'needsAttention';
  run.attention = { step: 'askConfirmation', failure: 'NotConfirmed: nobody has said that it is fixed', since };
  show(run, { waitingFor: 'the customer to say that it is fixed, or an operator to release it' });
  for (let day = 0; !over() && !mustPassOn(); day++) {
    await callOperator({ kind: 'unconfirmed', reportId, clearedAt, since, day });
    await condition(() => over() || mustPassOn(), '1 day', { summary: 'Until an operator is reminded' });
  }
  delete run.attention;
  run.phase = 'clearing';
}

async function mail(run: Run, kind: AskConfirmation['kind'], policy: Confirmation, over: Over): Promise<void> {
  const { reportId, cycle } = run;
  const { survey, closing } = policyOf(run);
  const clearedAt = run.confirmation?.clearedAt ?? run.situation.at ?? new Date().toISOString();
  const giveUpAt = Date.now() + closing.giveUpAfter;
  const step = () =>
    steps.askConfirmation.executeWithOptions(steps.forAtMost(giveUpAt - Date.now(), run), [
      { reportId, cycle, clearedAt, kind, policy, survey, byOperator: run.skipSurvey },
    ]);
  const waitingFor = 'the mail that asks whether it is fixed to be accepted';
  const { sent, refused } = await deliver(run, {
    ...{ name: 'askConfirmation', step, waitingFor, over, giveUpAt, woken: over },
  });
  if (sent) run.confirmation = sent;
  if (refused === undefined) return;
  if (refused !== 'RecipientRefused') await callOperator({ kind: 'undeliverable', reportId, cycle, failure: refused });
  if (kind === 'confirm') await settle(run, 'unreachable');
  else delete run.confirmation?.warnAt; // the first mail did arrive
}

/** What the customer said while we stopped waiting comes first. */
async function settle(run: Run, as: SettleConfirmation['as']): Promise<void> {
  const { reportId, cycle, situation, confirmation, releasedBy } = run;
  const clearedAt = confirmation?.clearedAt ?? situation.at ?? new Date().toISOString();
  const by = releasedBy ? { by: releasedBy } : {};
  const settled = await steps.settleConfirmation({ reportId, cycle, clearedAt, as, ...by });
  if (settled) run.confirmation = settled;
}
