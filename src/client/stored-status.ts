/** The status of a report as the ledger holds it. */
import type { Phase, RunStatus } from '../contract/reports.js';
import type { SurveySummary } from '../contract/survey.js';
import type { DeskRow } from '../outside/reports/desk.js';
import { outcomeOf, type State } from '../policy/status.js';

export function storedStatus(row: DeskRow, run: RunStatus['run']): RunStatus {
  const { id, state, cycle, hold, attention, surveyReason, confirmation, score, scale, skipSurveyBy } = row;
  const isHeld = hold !== null && (state === 'open' || state === 'cleared');
  const survey: SurveySummary = { state: shown(row.surveyState), reason: surveyReason ?? undefined };
  const isAsked = state === 'cleared' && confirmation === 'sent';
  const phase = attention ? 'needsAttention' : phaseOf(state, survey.state, isAsked);
  return {
    reportId: id,
    phase,
    cycle,
    held: isHeld,
    hold: isHeld ? hold : undefined,
    waitingFor: phase === 'done' ? 'nothing' : waitingForOf(run),
    until: untilOf(phase, row)?.toISOString(),
    survey,
    score: score ?? undefined,
    scale: score === null ? undefined : scale,
    skipSurveyBy: skipSurveyBy ?? undefined,
    outcome: phase === 'done' ? outcomeOf(state) : undefined,
    confirmation: isAsked ? 'sent' : undefined,
    attention: attention ?? undefined,
    run,
    silent: phase === 'done' ? undefined : silentOf(run),
  };
}

/** A queued survey is not visible yet. */
const shown = (state: DeskRow['surveyState']): SurveySummary['state'] =>
  state === null || state === 'queued' ? 'none' : state;

function phaseOf(state: State, survey: SurveySummary['state'], isAsked: boolean): Phase {
  if (state === 'open') return 'open';
  if (state === 'cleared') return isAsked ? 'confirming' : 'clearing';
  return state === 'closed' && (survey === 'none' || survey === 'sent') ? 'surveying' : 'done';
}

function untilOf(phase: Phase, { confirmUntil, expiresAt, surveyState }: DeskRow): Date | null {
  if (phase === 'confirming') return confirmUntil;
  return phase === 'surveying' && surveyState === 'sent' ? expiresAt : null;
}

/** `running` means that no worker answered: otherwise the run's own status is used. */
const silentOf = (run: RunStatus['run']): RunStatus['silent'] =>
  run === 'running' ? 'worker' : run === 'unknown' ? 'temporal' : undefined;

const waitingForOf = (run: RunStatus['run']): string => {
  switch (run) {
    case undefined:
      return 'its next step';
    case 'running':
      return 'a worker to answer';
    case 'unknown':
      return 'Temporal to answer';
    case 'none':
      return 'its run, which the next sweep starts';
    case 'ended':
      return 'its run, which has ended; the next sweep starts it again';
  }
};
