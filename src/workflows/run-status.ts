/** The state of a run as others see it. */
import type { RunStatus } from '../contract/reports.js';
import type { Standing } from '../policy/standing.js';
import type { RunState } from './run.js';

export function statusOf(run: RunState): RunStatus {
  const { reportId, phase, cycle, hold, waitingFor, until, attention, confirmation } = run;
  const { state, reason } = run.survey;
  return {
    reportId,
    phase,
    cycle,
    held: hold !== undefined,
    heldBy: hold?.by,
    waitingFor,
    until,
    survey: { state, reason },
    confirmation: confirmation?.state,
    attention,
    run: 'running',
  };
}

/** What the run has written: enough for another run, or another database, to continue from. */
export function standingOf(run: RunState): Standing {
  const { received, clearing, closedAt, hold, releasedBy, skipSurveyBy } = run;
  const { survey, reminded, confirmation, answer, written } = run;
  return {
    ...written,
    received,
    clearing: written.state === 'open' ? undefined : clearing,
    closedAt,
    hold,
    releasedBy,
    skipSurveyBy,
    survey,
    reminded,
    confirmation,
    answer,
  };
}
