/** What operators see of a run in the Temporal UI: search attributes and the current details. */
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from '../contract/messages.js';
import type { Phase } from '../contract/reports.js';
import type { Run } from './run.js';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const int = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.INT);
const phase = keyword(searchAttributes.phase);
const cycle = int(searchAttributes.cycle);
const customer = keyword(searchAttributes.customer);
const serviceProblem = keyword(searchAttributes.serviceProblem);
const survey = keyword(searchAttributes.survey);
const score = int(searchAttributes.score);

/** Says what the run now waits for, and shows it. Called where a wait begins, so that one wait costs at most one event. */
export function show(run: Run, wait: { waitingFor: string; until?: string }): void {
  run.waitingFor = wait.waitingFor;
  if (wait.until) run.until = wait.until;
  else delete run.until;
  const shown = workflowInfo().typedSearchAttributes;
  const wanted: SearchAttributeUpdatePair[] = [
    { key: phase, value: run.phase },
    { key: cycle, value: run.cycle },
    { key: customer, value: run.customerId ?? null },
    { key: serviceProblem, value: run.serviceProblemId ?? null },
    { key: survey, value: surveyWord(run) ?? null },
    { key: score, value: run.answer?.score ?? null },
  ];
  const changed = wanted.filter(({ key, value }) => (shown.get(key) ?? null) !== value);
  if (changed.length > 0) upsertSearchAttributes(changed);
  setCurrentDetails(details(run));
}

/** `sent`, `answered`, … or `skipped:<reason>`; undefined while nothing was decided. */
export function surveyWord({ survey: { state, reason } }: Run): string | undefined {
  if (state === 'none') return undefined;
  return state === 'skipped' ? `skipped:${reason}` : state;
}

const help: Record<Phase, string> = {
  open: 'Nothing to do here. When the fault is gone, send the signal `cleared` (no payload needed).',
  clearing:
    'Closing starts by itself when the wait is over. If the fault is back, send the signal `reopened`. A report that is held, or waits for its customer to confirm, goes on with the update `release`. If its mail is not accepted, the pending activity `askConfirmation` says why; `retryNow` tries at once.',
  closing:
    'If this stays, the pending activity `closeReport` below says why; it is retried by itself. Send the update `retryNow` to try at once.',
  surveying: 'Nothing, the report is closed. `resendSurvey` mails it again, `reopened` starts the next cycle.',
  needsAttention:
    'Remove the cause, then send the update `retryNow`. If the report was closed by hand, send `closeByHand` with a note; if it was raised in error, send the signal `cancelled`.',
  done: 'Nothing to do.',
};

const mailHelp =
  'The report is closed. If this stays, the pending activity `sendSurvey` says why; it is retried by itself. `retryNow` tries at once, `skipSurvey` gives the mail up.';

const confirmHelp =
  'Ask the customer, then send the update `release` to close it, or the signal `reopened`. The customer may still say it on the page.';

const isUnconfirmed = ({ attention }: Run): boolean => attention?.failure.startsWith('NotConfirmed') ?? false;

function details(run: Run): string {
  const isMailing = run.phase === 'surveying' && run.survey.state === 'none';
  const lines = [
    `**Report ${run.reportId}, cycle ${run.cycle}: ${run.phase}**`,
    '',
    `Waits for: ${run.waitingFor}${run.until ? `, until ${run.until}` : ''}`,
    '',
    ...(run.attention
      ? [
          `**${run.attention.step}** ${isUnconfirmed(run) ? 'since' : 'was refused at'} ${run.attention.since}: ${run.attention.failure}`,
          '',
        ]
      : []),
    `What to do: ${isMailing ? mailHelp : isUnconfirmed(run) ? confirmHelp : help[run.phase]}`,
    '',
    `Survey: ${surveyWord(run) ?? 'not yet due'}${run.survey.state === 'undeliverable' ? ` (${run.survey.reason})` : ''}`,
  ];
  return lines.join('\n');
}
