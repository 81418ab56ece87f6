/** An operator ends a report whose ticket cannot be changed. */
import { sleep } from '@temporalio/workflow';
import { undefinedIfFailed } from './failure.js';
import { nextFence, noteWritten, unwrittenChange } from './ledger.js';
import { nothingUnhandled, update, type RunState } from './run.js';
import * as steps from './steps.js';
import { isSurveyOpen } from './survey.js';
import { publish } from './visibility.js';

/** What a run knows of the cycle before. */
const ofEarlierCycle = { clearing: undefined, confirmation: undefined, reminded: false };

/**
 * The system of record refuses to change the report, so only the ledger says that it has ended. Returns false if nothing ends it, because a
 * cancellation came late, or twice.
 */
export async function abandonReport(run: RunState): Promise<boolean> {
  const { cycle, closeByHand: byHand } = run;
  const change = unwrittenChange(run, 'cancelled')?.change;
  const how = byHand ? { byHand } : change && { change };
  if (!how) return false;
  end(run);
  publish(run, { waitingFor: 'the ledger to record that the ticket is left as it is' });
  const fence = nextFence(run, 'leave');
  const request = { fence, ...how };
  const left = await steps.endReportInLedger
    .executeWithOptions(steps.untilGivenUp(run), [request])
    .catch(undefinedIfFailed);
  if (!left || left.isSuperseded) return true;
  noteWritten(run, fence, left);
  const { survey = run.survey, closedAt } = left;
  update(run, { survey, closedAt });
  if (left.cycle > cycle) update(run, { ...ofEarlierCycle, ...nothingUnhandled() });
  // Something came meanwhile, or the ledger had not been reopened, and the survey of this cycle is still open.
  if (run.unwritten.length > 0 || isSurveyOpen(run))
    update(run, { isAbandoned: false, isEnding: false, closeByHand: undefined });
  return true;
}

/** An operator ended the run of a report that does not exist. */
export async function endUnknown(run: RunState): Promise<void> {
  end(run);
  run.phase = 'done';
  // Ending in the task that answers the operator would lose the answer if another event arrives in that task.
  if (run.closeByHand) await sleep('1s', { summary: 'Until the update is answered' });
}

function end(run: RunState): void {
  run.isAbandoned = true;
  run.isEnding = true;
  run.state = run.closeByHand ? 'closed' : 'cancelled';
}
