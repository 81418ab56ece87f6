/** The run as the Temporal UI shows it: search attributes and the current details. */
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from '../contract/messages.js';
import type { Phase } from '../contract/reports.js';
import type { SurveyRecord } from '../contract/survey.js';
import type { RunState } from './run.js';

const { phase, cycle, customer, serviceProblem, survey, score } = searchAttributes;
const keys = {
  phase: defineSearchAttributeKey(phase.name, phase.type),
  cycle: defineSearchAttributeKey(cycle.name, cycle.type),
  customer: defineSearchAttributeKey(customer.name, customer.type),
  serviceProblem: defineSearchAttributeKey(serviceProblem.name, serviceProblem.type),
  survey: defineSearchAttributeKey(survey.name, survey.type),
  score: defineSearchAttributeKey(score.name, score.type),
};

/** Publishes what the run now waits for. Called where a wait begins, so that a wait costs at most one event. */
export function publish(run: RunState, { waitingFor, until }: { waitingFor: string; until?: string }): void {
  run.waitingFor = waitingFor;
  run.until = until;
  const published = workflowInfo().typedSearchAttributes;
  const wanted: SearchAttributeUpdatePair[] = [
    { key: keys.phase, value: run.phase },
    { key: keys.cycle, value: run.cycle },
    { key: keys.customer, value: run.customerId ?? null },
    { key: keys.serviceProblem, value: run.serviceProblemId ?? null },
    { key: keys.survey, value: surveyOutcome(run.survey) ?? null },
    { key: keys.score, value: run.answer?.score ?? null },
  ];
  const changed = wanted.filter(({ key, value }) => (published.get(key) ?? null) !== value);
  if (changed.length > 0) upsertSearchAttributes(changed);
  setCurrentDetails(detailsOf(run));
}

export function showCancelRequest(run: RunState): void {
  run.isCancelRequested = true;
  setCurrentDetails(detailsOf(run));
}

/** `sent`, `answered`, … or `skipped:<reason>`; undefined while the survey is not decided. */
export function surveyOutcome({ state, reason }: SurveyRecord): string | undefined {
  if (state === 'none') return undefined;
  return state === 'skipped' ? `skipped:${reason}` : state;
}

const help: Record<Phase, string> = {
  open: 'Nothing. When the fault is gone, send the signal `cleared` (no payload needed).',
  clearing:
    'Nothing, closing starts by itself after the wait. If the fault is back, send the signal `reopened`. A held report continues after the update `release`.',
  confirming:
    'Nothing, unless the customer tells you. If the problem is fixed, send the update `release`; if not, the signal `reopened`. If the mail is not accepted, the pending activity `askConfirmation` says why; `retryNow` retries it at once.',
  closing:
    'Nothing, closing is retried. If it takes long, the pending activity `closeReport` below says why; the update `retryNow` retries it at once.',
  surveying: 'Nothing, the report is closed. `resendSurvey` sends the mail again, `reopened` starts the next cycle.',
  needsAttention:
    'Fix the cause, then send the update `retryNow`. If the report was closed by hand, send `closeByHand` with a note; if it was raised in error, send the signal `cancelled`.',
  done: 'Nothing.',
};

const mailHelp =
  'Nothing, the report is closed and the mail is retried. The pending activity `sendSurvey` says why; `retryNow` retries it at once, `skipSurvey` stops it.';

const unconfirmedHelp =
  'Ask the customer, then send the update `release` to close the report, or the signal `reopened`. The customer can still reply on the page.';

function helpFor({ phase, attention, survey }: RunState): string {
  if (attention?.code === 'NotConfirmed') return unconfirmedHelp;
  return phase === 'surveying' && survey.state === 'none' ? mailHelp : help[phase];
}

function detailsOf(run: RunState): string {
  const { reportId, cycle, phase, waitingFor, until, attention, survey, isCancelRequested } = run;
  const reason = survey.state === 'undeliverable' ? ` (${survey.reason})` : '';
  const problem = attention && `**${attention.step}** needs attention since ${attention.since}: ${attention.failure}`;
  return [
    `**Report ${reportId}, cycle ${cycle}: ${phase}**`,
    `Waits for: ${until ? `${waitingFor}, until ${until}` : waitingFor}`,
    problem,
    isCancelRequested && 'A cancel request through Temporal does not end a report. Send the signal `cancelled`.',
    `What to do: ${helpFor(run)}`,
    `Survey: ${surveyOutcome(survey) ?? 'not due yet'}${reason}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}
