/** What an operator can do with a report from its page. */
import { createHash } from 'node:crypto';
import type { CloseoutClient } from '../../client.js';
import type { Phase, ReportStatus, RunStatus } from '../../contract/reports.js';
import { hasStepToRetry } from '../../policy/state-in-words.js';
import { stateOf } from '../../policy/status.js';

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

const byPhase: Record<Exclude<Phase, 'needsAttention'>, DeskAction[]> = {
  open: ['clear', 'hold', 'skipSurvey', 'cancel'],
  clearing: ['reopen', 'hold', 'skipSurvey', 'cancel'],
  confirming: ['release', 'reopen', 'hold', 'retryNow', 'cancel'],
  closing: ['retryNow', 'reopen', 'hold', 'cancel'],
  surveying: ['reopen', 'retryNow', 'skipSurvey'],
  done: ['reopen'],
};

const labels: Record<DeskAction, string> = {
  clear: 'Mark as cleared',
  reopen: 'Reopen',
  cancel: 'Cancel the report',
  hold: 'Hold',
  release: 'Release',
  retryNow: 'Retry now',
  closeByHand: 'Record as closed by hand',
  skipSurvey: 'Skip the survey',
  resendSurvey: 'Send the survey again',
  extendSurvey: 'Extend the survey',
  revokeSurvey: 'End the survey',
};

/** The first is the one that most often comes next. */
export function actionsFor(run: RunStatus, status: ReportStatus): Offer[] {
  const { phase, held, confirmation, outcome } = run;
  if (outcome === 'cancelled') return [];
  const actions = phase === 'needsAttention' ? inAttention(run, status) : inPhase(run, phase);
  const offered = new Set(held ? ['release' as const, ...actions.filter((action) => action !== 'hold')] : actions);
  // A report that was held before its customer was asked is released to ask the customer.
  const isAsked = confirmation !== undefined || run.attention?.code === 'NotConfirmed';
  const closes = isAsked || (phase === 'confirming' && !held);
  return [...offered].map((action) => ({
    action,
    label: action === 'release' && closes ? 'Close without a reply' : labels[action],
  }));
}

/** A report that is closed can no longer be cancelled, and its run is about to reopen it or to ask its customer. */
function inAttention(run: RunStatus, status: ReportStatus): DeskAction[] {
  if (run.attention?.code === 'NotConfirmed') return ['release', 'reopen', 'cancel'];
  const state = stateOf(status);
  if (state === 'closed') return ['retryNow', 'closeByHand'];
  return ['retryNow', 'closeByHand', ...(state === 'cleared' ? (['reopen'] as const) : []), 'cancel'];
}

function inPhase(run: RunStatus, phase: Exclude<Phase, 'needsAttention'>): DeskAction[] {
  const { survey } = run;
  const actions = byPhase[phase].filter((action) => action !== 'retryNow' || hasStepToRetry(run));
  if (survey.state === 'undeliverable') return [...actions, 'resendSurvey'];
  if (survey.state !== 'sent') return actions;
  return [...actions.filter((action) => action !== 'skipSurvey'), 'resendSurvey', 'revokeSurvey'];
}

interface Request {
  by: string;
  note?: string;
  days?: number;
  /** Of the page: what is sent twice is done once. */
  requestId?: string;
}

/** Returns whether the result shows already: a run acts on some requests a moment later. */
export async function perform(
  client: CloseoutClient,
  id: string,
  action: DeskAction,
  { by, note, days, requestId }: Request,
): Promise<boolean> {
  // A form that is changed before it is sent again asks for something else.
  const typed = createHash('sha256')
    .update(JSON.stringify([days, note]))
    .digest('base64url')
    .slice(0, 12);
  const sameId = requestId && [requestId, action, typed].join(':');
  if (action === 'clear' || action === 'reopen' || action === 'cancel')
    return (await client[action](id, { by, reason: note, id: sameId })).isApplied;
  await client.operate(action, id, { by, note, days }, sameId);
  return action === 'hold' || action === 'skipSurvey' || action === 'release';
}
