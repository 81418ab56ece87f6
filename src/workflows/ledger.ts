/** What a run and its row of the ledger tell each other: numbered writes, and what a run adopts when it looks its report up. */
import { workflowInfo } from '@temporalio/workflow';
import type { LookedUp } from '../activities/look-up-report.js';
import type { AnsweredSignal } from '../contract/messages.js';
import { changesBetween, merge, systemOfRecord, without, type Change } from '../policy/changes.js';
import type { Fence, Standing } from '../policy/standing.js';
import { fromNow, noteChange, nothingUnhandled, update, type RunState, type Unwritten } from './run.js';

/**
 * Every write to the ledger carries the number of the change that it writes, and what was received with it. It counts the signals only
 * if nothing remains to be written: if the run is lost, its successor receives the rest again.
 */
export function fenceOf(run: RunState, rev: number, write: string): Fence {
  const { reportId, cycle, received, signals, unwritten } = run;
  const fence = { reportId, runId: workflowInfo().runId, cycle, rev, lastWrittenRev: run.written.rev, write };
  if (unwritten.every((change) => change.rev <= rev)) return { ...fence, received, signals };
  return { ...fence, received: unwritten.find((change) => change.rev === rev)?.received };
}

/** A write of the run's own, such as the closing, has a number too: whatever arrives meanwhile is newer. */
export function nextFence(run: RunState, write: string): Fence {
  run.rev++;
  return fenceOf(run, run.rev, write);
}

/** For a write that leaves the state of the report as it is. */
export function fenceOfDecision(run: RunState): Fence {
  const { received, signals, ...fence } = nextFence(run, `decision ${fromNow(0)}`);
  return run.unwritten.length === 0 ? { ...fence, received, signals } : fence;
}

/** The ledger now holds everything up to this revision. */
export function noteWritten(
  run: RunState,
  { rev, received }: Fence,
  { state, cycle }: Pick<Standing, 'state' | 'cycle'>,
): void {
  run.written = { state, cycle, rev };
  run.unwritten = run.unwritten.filter((change) => change.rev > rev);
  run.cycle = cycle;
  if (received === run.received) run.isDirty = false;
  // What was decided meanwhile is newer than what was written.
  if (run.unwritten.length === 0) run.state = state;
}

/** The ledger now holds a decision that leaves the state of the report as it is. */
export function noteDecided(run: RunState, { rev, received }: Fence): void {
  run.written.rev = rev;
  if (received === run.received) run.isDirty = false;
}

/** The change of this kind that the ledger does not hold yet. */
export const unwrittenChange = (run: RunState, kind: Change['kind']): Unwritten | undefined =>
  run.unwritten.filter(({ change }) => change.kind === kind).at(-1);

/** What JSON omits. */
const unset = {
  clearing: undefined,
  closedAt: undefined,
  hold: undefined,
  releasedBy: undefined,
  skipSurveyBy: undefined,
  confirmation: undefined,
  askedAbout: undefined,
  answer: undefined,
  customerId: undefined,
  serviceProblemId: undefined,
  system: undefined,
} satisfies Partial<RunState>;

/** Adopts what the ledger holds, and applies to it the changes that the run has received and not written. */
export function adopt(run: RunState, found: LookedUp): void {
  const { observed, runId, ...standing } = found;
  const { unwritten, answer, isKnown, cycle, written: before } = run;
  const changes = unwritten.map(({ change }) => change);
  const received = merge(found.received, without(run.received, changes));
  const isDirty = received !== found.received;
  const fresh = { isKnown: true, knowsPolicy: true, isDirty, received, unwritten: [] };
  update(run, { ...unset, ...standing, ...fresh, ownerId: runId });
  run.written = { state: found.state, cycle: found.cycle, rev: found.rev };
  if (before.state !== found.state || before.cycle !== found.cycle) run.changes++;
  // Before the report was looked up, it was not known that the bounce was a repeated one.
  if (!isKnown && run.bounced?.id !== undefined && found.received.ids.includes(run.bounced.id)) delete run.bounced;
  if (isKnown && found.cycle !== cycle) update(run, nothingUnhandled());
  if (answer && isNewerAnswer(run, answer)) run.answer = answer;
  // What was seen in the system of record before is not repeated: what is seen there now counts.
  for (const change of changes) if (change.source !== systemOfRecord) noteChange(run, change);
  if (observed)
    for (const kind of changesBetween(run.state, observed))
      noteChange(run, { kind, source: systemOfRecord, receivedAt: fromNow(0) });
  if (observed === 'closed' && !run.isClosedElsewhere) run.changes++;
  run.isClosedElsewhere = observed === 'closed';
}

const isNewerAnswer = ({ survey, answer: known }: RunState, answer: AnsweredSignal): boolean =>
  survey.id === answer.surveyId && (answer.revision ?? 1) > (known?.revision ?? 0);
