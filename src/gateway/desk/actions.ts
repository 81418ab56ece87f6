/** What an operator can do with a report from its page. */
import type { CloseoutClient } from '../../client.js';
import { CloseoutError } from '../../contract/errors.js';
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
  'reply',
] as const;
export type DeskAction = (typeof deskActions)[number];

export interface Offer {
  action: DeskAction;
  label: string;
  /** The one that most often comes next. */
  isFirst?: boolean;
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
  reply: 'Mail this to the customer',
};

/** The first is the one that most often comes next. */
export function actionsFor({ phase, held, attention, survey, outcome }: RunStatus): Offer[] {
  if (outcome === 'cancelled') return [];
  const actions = attention?.code === 'NotConfirmed' ? (['release', 'reopen', 'cancel'] as const) : byPhase[phase];
  const offered = new Set<DeskAction>(held ? ['release', ...actions.filter((action) => action !== 'hold')] : actions);
  if (survey.state === 'sent') {
    offered.delete('retryNow');
    offered.delete('skipSurvey');
    for (const action of ['resendSurvey', 'extendSurvey', 'revokeSurvey'] as const) offered.add(action);
  }
  if (survey.state === 'undeliverable') offered.add('resendSurvey');
  return [...offered].map((action, index) => ({ action, label: labels[action], isFirst: index === 0 }));
}

interface Request {
  by: string;
  note?: string;
  days?: number;
}

/** Returns why the action was refused; undefined if it was accepted. */
export async function perform(
  client: CloseoutClient,
  id: string,
  action: DeskAction,
  { by, note, days }: Request,
): Promise<string | undefined> {
  try {
    switch (action) {
      case 'clear':
      case 'reopen':
      case 'cancel':
        await client[action](id, { by, reason: note });
        break;
      case 'reply':
        await client.surveys.reply(id, note ?? '', by);
        break;
      default:
        await client.operate(action, id, { by, note, days });
    }
  } catch (error) {
    const isRefusal =
      error instanceof CloseoutError &&
      (error.code === 'StatusConflict' || error.code === 'NoRun' || error.code === 'BadInput');
    if (isRefusal) return error.message;
    throw error;
  }
  return undefined;
}
