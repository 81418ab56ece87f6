/** Before the closing the customer is asked whether it is fixed (MEF 124), warned once, and then taken at silence or not. */
import { condition } from '@temporalio/workflow';
import type { AskConfirmation } from '../activities/ask-confirmation.js';
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
  const over = () => changed() || run.released || saidOf(run) !== undefined;
  if (!run.confirmation) await mail(run, 'confirm', policy, over);
  while (run.confirmation && !isSettled(run.confirmation, policy) && !over() && !mustPassOn())
    await listen(run, policy, over);
  if (changed() || !run.confirmation || (mustPassOn() && !over())) return;
  const said = saidOf(run);
  if (said === undefined && run.released) await settle(run, 'silence');
  if (said !== undefined) run.confirmation.state = said ? 'yes' : 'no';
  if (run.confirmation.state !== 'no') return;
  noteChange(run, { kind: 'reopened', at: new Date().toISOString() });
  run.changedBy = 'customer';
}

/** Silence that the policy does not take for a yes is never the last word. */
const isSettled = ({ state }: { state: string }, { onSilence }: Confirmation): boolean =>
  state === 'yes' || state === 'no' || (onSilence === 'close' && state !== 'sent');

/** What the customer said of this clearing. */
function saidOf({ confirmation, said }: Run): boolean | undefined {
  const isAboutIt = said?.surveyId === confirmation?.surveyId && said?.clearedAt === confirmation?.clearedAt;
  return isAboutIt ? said?.fixed : undefined;
}

async function listen(run: Run, policy: Confirmation, over: Over): Promise<void> {
  const { confirmation, bounced, reportId } = run;
  if (!confirmation) return;
  const isUnreachable = confirmation.state === 'unreachable' || bounced !== undefined;
  if (confirmation.isOverdue || isUnreachable) {
    if (policy.onSilence === 'close') return settle(run, isUnreachable ? 'unreachable' : 'silence');
    await callOperator({ kind: 'unconfirmed', reportId, clearedAt: confirmation.clearedAt });
    show(run, { waitingFor: 'the customer to say that it is fixed, or an operator to release it' });
    await condition(() => over() || mustPassOn());
    return;
  }
  const { warnAt, closesAt } = confirmation;
  show(run, { waitingFor: 'the customer to say whether it is fixed', until: closesAt });
  const summary = warnAt ? 'Until the customer is warned' : 'Until silence is taken for a yes';
  const left = Date.parse(warnAt ?? closesAt) - Date.now();
  const woken = () => over() || run.bounced !== undefined || mustPassOn();
  if (left > 0 && (await condition(woken, left, { summary }))) return;
  if (warnAt) await mail(run, 'warning', policy, over);
  else confirmation.isOverdue = true;
}

/** Who cannot be reached is not waited for, unless the policy says so. */
async function mail(run: Run, kind: AskConfirmation['kind'], policy: Confirmation, over: Over): Promise<void> {
  const { reportId, cycle } = run;
  const { survey, closing } = policyOf(run);
  const clearedAt = run.situation.at ?? new Date().toISOString();
  const giveUpAt = Date.now() + closing.giveUpAfter;
  const step = () =>
    steps.askConfirmation.executeWithOptions(steps.forAtMost(giveUpAt - Date.now(), run), [
      { reportId, cycle, clearedAt: run.confirmation?.clearedAt ?? clearedAt, kind, policy, survey },
    ]);
  const waitingFor = 'the mail that asks whether it is fixed to be accepted';
  const { sent, refused } = await deliver(run, { step, waitingFor, over, giveUpAt });
  if (sent) run.confirmation = sent;
  if (refused === undefined) return;
  if (refused !== 'RecipientRefused') await callOperator({ kind: 'undeliverable', reportId, cycle, failure: refused });
  if (kind === 'confirm') await settle(run, 'unreachable');
  else delete run.confirmation?.warnAt; // the first mail did arrive
}

/** What the customer said while we stopped waiting comes first. */
async function settle(run: Run, as: 'silence' | 'unreachable'): Promise<void> {
  const { reportId, cycle, situation, confirmation } = run;
  const clearedAt = confirmation?.clearedAt ?? situation.at ?? new Date().toISOString();
  const settled = await steps.settleConfirmation({ reportId, cycle, clearedAt, as });
  if (settled) run.confirmation = settled;
}
