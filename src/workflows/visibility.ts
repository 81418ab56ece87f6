/** The run as the Temporal UI shows it: search attributes, the current details, and its result. */
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { escaped } from '../contract/markdown.js';
import { searchAttributes } from '../contract/messages.js';
import type { RunResult } from '../contract/reports.js';
import type { SurveyRecord } from '../contract/survey.js';
import { stateInWords } from '../policy/state-in-words.js';
import { outcomeOf } from '../policy/status.js';
import { update, type RunState } from './run.js';
import { statusOf } from './run-status.js';

const { phase, cycle, customer, serviceProblem, survey, score, scale } = searchAttributes;
const keys = {
  phase: defineSearchAttributeKey(phase.name, phase.type),
  cycle: defineSearchAttributeKey(cycle.name, cycle.type),
  customer: defineSearchAttributeKey(customer.name, customer.type),
  serviceProblem: defineSearchAttributeKey(serviceProblem.name, serviceProblem.type),
  survey: defineSearchAttributeKey(survey.name, survey.type),
  score: defineSearchAttributeKey(score.name, score.type),
  scale: defineSearchAttributeKey(scale.name, scale.type),
};

interface Waiting {
  waitingFor: string;
  until?: string;
  /** A mail that was rejected because of its sender is sent again then. */
  isResend?: true;
}

/**
 * Publishes what the run does now, which usually takes a moment: for that, search attributes would cost an event and an Action. They follow
 * once the sweep finds that it takes longer (`lookAgain`).
 */
export function publishBriefly(run: RunState, { waitingFor, until, isResend }: Waiting): void {
  update(run, { waitingFor, until, isResend });
  setCurrentDetails(panelText(run));
}

/** Publishes what the run now waits for. Called where a wait begins, so that a wait costs at most one event. */
export function publish(run: RunState, waiting: Waiting): void {
  publishBriefly(run, waiting);
  const published = workflowInfo().typedSearchAttributes;
  const wanted: SearchAttributeUpdatePair[] = [
    { key: keys.phase, value: run.phase },
    { key: keys.cycle, value: run.cycle },
    { key: keys.customer, value: run.customerId ?? null },
    { key: keys.serviceProblem, value: run.serviceProblemId ?? null },
    { key: keys.survey, value: surveyOutcome(run.survey) ?? null },
    { key: keys.score, value: run.answer?.score ?? null },
    { key: keys.scale, value: run.answer?.score === undefined ? null : (run.answer.scale ?? null) },
  ];
  const changed = wanted.filter(({ key, value }) => (published.get(key) ?? null) !== value);
  if (changed.length > 0) upsertSearchAttributes(changed);
}

export function showCancelRequest(run: RunState): void {
  run.isCancelRequested = true;
  setCurrentDetails(panelText(run));
}

/** `sent`, `answered`, … or `skipped:<reason>`; undefined while the survey is not decided. */
function surveyOutcome({ state, reason }: SurveyRecord): string | undefined {
  if (state === 'none') return undefined;
  return state === 'skipped' ? `skipped:${reason}` : state;
}

/** At most five short lines of Markdown: the page of the Temporal UI cuts off what follows. */
function panelText(run: RunState): string {
  const { reportId, cycle, phase, survey, isCancelRequested } = run;
  const { sentence, command } = stateInWords(statusOf(run), utc);
  const outcome = surveyOutcome(survey);
  const lines = [
    `**${reportId}, cycle ${cycle}: ${phase}**${outcome ? `, survey ${outcome}` : ''}`,
    escaped(sentence),
    command && `To act: \`${command}\``,
    isCancelRequested && `A cancel request does not end a report. To end it: \`closeout cancel ${reportId}\``,
  ];
  return lines.filter(Boolean).join('  \n'); // line breaks instead of paragraphs, which the panel cuts off
}

const utc = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

/** What the run returns when it has ended. */
export function resultOf(run: RunState): RunResult {
  return {
    outcome: outcomeOf(run.state),
    cycle: run.cycle,
    survey: { outcome: surveyOutcome(run.survey) ?? 'none', score: run.answer?.score, scale: run.answer?.scale },
  };
}
