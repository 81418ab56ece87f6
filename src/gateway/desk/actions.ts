/** What an operator can do with a report from its page. */
import type { CloseoutClient } from '../../client.js';
import type { Phase, RunStatus } from '../../contract/reports.js';

export const deskActions = [
  'clear',
  'reopen',
  'cancel',
  'hold',
  'release',
  'retryNow',
  'closeByHand',
  'skipSurvey',
  'resendSurvey',
  'extendSurvey',
  'revokeSurvey',
] as const;
type DeskAction = (typeof deskActions)[number];

interface Offer {
  action: DeskAction;
  label: string;
}

const byPhase: Record<Phase, DeskAction[]> = {
  open: ['clear', 'hold', 'skipSurvey', 'cancel'],
  clearing: ['reopen', 'hold', 'skipSurvey', 'cancel'],
  confirming: ['release', 'reopen', 'hold', 'retryNow', 'cancel'],
  closing: ['retryNow', 'reopen', 'hold', 'cancel'],
  needsAttention: ['retryNow', 'closeByHand', 'cancel'],
  surveying: ['reopen', 'retryNow', 'skipSurvey'],
  done: ['reopen'],
};

const labels: Record<DeskAction, string> = {
  clear: 'Fault is cleared',
  reopen: 'Open again',
  cancel: 'Cancel the report',
  hold: 'Hold',
  release: 'Release',
  retryNow: 'Retry now',
  closeByHand: 'Was closed by hand',
  skipSurvey: 'Do not ask the customer',
  resendSurvey: 'Send the survey again',
  extendSurvey: 'Give more days',
  revokeSurvey: 'End the survey',
};

/** The first is the one that most often comes next. */
export function actionsFor({ phase, held, attention, survey, outcome }: RunStatus): Offer[] {
  if (outcome === 'cancelled') return [];
  const isUnconfirmed = attention?.code === 'NotConfirmed';
  const actions = isUnconfirmed ? (['release', 'reopen', 'cancel'] as const) : byPhase[phase];
  const offered = new Set<DeskAction>(held ? ['release', ...actions.filter((action) => action !== 'hold')] : actions);
  if (survey.state === 'sent') {
    offered.delete('retryNow');
    offered.delete('skipSurvey');
    for (const action of ['resendSurvey', 'revokeSurvey'] as const) offered.add(action);
  }
  if (survey.state === 'undeliverable') offered.add('resendSurvey');
  const withoutCustomer = !held && (isUnconfirmed || phase === 'confirming');
  return [...offered].map((action) => ({
    action,
    label: action === 'release' && withoutCustomer ? 'Close without a reply' : labels[action],
  }));
}

interface Request {
  by: string;
  note?: string;
  days?: number;
}

/** Returns whether the result shows already: a run acts on some requests a moment later. */
export async function perform(
  client: CloseoutClient,
  id: string,
  action: DeskAction,
  { by, note, days }: Request,
): Promise<boolean> {
  if (action === 'clear' || action === 'reopen' || action === 'cancel')
    return (await client[action](id, { by, reason: note })).isApplied;
  await client.operate(action, id, { by, note, days });
  return action === 'hold' || action === 'skipSurvey' || action === 'release';
}
