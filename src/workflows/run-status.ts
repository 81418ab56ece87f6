/** The state of a run as others see it. */
import type { RunStatus } from '../contract/reports.js';
import { without } from '../policy/changes.js';
import type { Standing } from '../policy/standing.js';
import { outcomeOf } from '../policy/status.js';
import type { RunState } from './run.js';

export function statusOf(run: RunState): RunStatus {
  const { reportId, phase, cycle, waitingFor, until, isResend, change } = run;
  const { attention, confirmation, answer, skipSurveyBy } = run;
  const { state, reason } = run.survey;
  const hold = run.state === 'open' || run.state === 'cleared' ? run.hold : undefined;
  return {
    reportId,
    phase,
    cycle,
    held: hold !== undefined,
    hold,
    waitingFor,
    until,
    isResend,
    change,
    survey: { state, reason },
    score: answer?.score,
    scale: answer?.scale,
    skipSurveyBy,
    outcome: phase === 'done' ? outcomeOf(run.state) : undefined,
    confirmation: confirmation?.state,
    attention,
    run: 'running',
  };
}

/** What the run has written: enough for another run, or another database, to continue from. */
export function standingOf(run: RunState): Standing {
  const { clearing, closedAt, hold, releasedBy, skipSurveyBy } = run;
  const { survey, reminded, confirmation, answer, written } = run;
  const changes = run.unwritten.map(({ change }) => change);
  return {
    ...written,
    received: without(run.received, changes),
    clearing: written.state === 'open' ? undefined : clearing,
    closedAt,
    hold,
    releasedBy,
    skipSurveyBy,
    survey,
    reminded,
    confirmation,
    answer,
    // Not that of a relay that refuses our mail, which is not in the ledger.
    attention: run.phase === 'needsAttention' ? run.attention : undefined,
  };
}
