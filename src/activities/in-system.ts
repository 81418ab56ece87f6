/**
 * Closing, reopening and cancelling a report whose ticket lives in an external system. Safe to repeat: one attempt at a time has the
 * ticket, reads it before it changes it, and changes nothing once the run has decided otherwise.
 */
import { cancellationSignal, log } from '@temporalio/activity';
import { CloseoutError } from '../contract/errors.js';
import { changeMarker, closingMarker } from '../contract/ids.js';
import type { ConfirmationState } from '../contract/survey.js';
import type { ClosingRequest } from '../outside/reports/ledger.js';
import type { Seen } from '../outside/reports/observed.js';
import type { ReportRow } from '../outside/reports/row-mapping.js';
import { systemOfRecord, type Change } from '../policy/changes.js';
import type { Fence } from '../policy/standing.js';
import { statusOfState } from '../policy/status.js';
import { later } from '../policy/time.js';
import type { Move, Moved } from '../systems/move.js';
import type { Deps } from './deps.js';

/**
 * What became of a closing: `closed`, and what was then seen; `undone`: it was closed, and somebody has moved it on since; `stale`:
 * somebody moved it first, or the run has decided otherwise, so nothing was changed.
 */
export type ClosedTicket = { outcome: 'closed' | 'undone'; seen: Seen } | { outcome: 'stale' };

/** The ticket is closed there, and none of our attempts did it. */
export const isClosedByAgent = ({ status, movingTo }: ReportRow, fence: Fence, { clearing }: ClosingRequest): boolean =>
  status === 'closed' && movingTo !== closingMarker(fence.reportId, fence.cycle, new Date(clearing.at));

/** `prepared`: the report as it was when the closing was decided. */
export async function closeTicket(
  deps: Deps,
  fence: Fence,
  request: ClosingRequest,
  prepared: ReportRow,
): Promise<ClosedTicket> {
  const { reportId, runId, cycle, rev } = fence;
  const survey = await deps.surveys.ofCycle(reportId, cycle);
  const note = closingNote(request, survey?.confirmation ?? null);
  const change = { to: 'closed', marker: closingMarker(reportId, cycle, new Date(request.clearing.at)), note } as const;
  const isStillDecided = (row: ReportRow) => row.runId === runId && row.rev <= rev;
  const moved = await inSystem(deps, prepared, change, isStillDecided);
  if (!moved || moved.outcome === 'stale') return { outcome: 'stale' };
  const { outcome, readAt } = moved;
  // What is read from then on counts as a change that came later.
  return outcome === 'done'
    ? { outcome: 'closed', seen: { status: 'closed', at: readAt } }
    : { outcome: 'undone', seen: { status: 'closed', at: later(readAt, -1) } };
}

/** A ticket that somebody has moved on is left alone: its next observation decides. */
export async function reopenTicket(
  deps: Deps,
  { reportId, runId, rev }: Fence,
  change: Change,
  reason: string | undefined,
): Promise<void> {
  if (change.source === systemOfRecord) return;
  const by = change.by === 'customer' ? 'The customer says that the problem is not fixed.' : 'Reopened by Closeout.';
  const note = [by, reason].filter(Boolean).join('\n');
  await moveTo(deps, reportId, runId, { to: 'open', marker: changeMarker(reportId, rev, 'reopened'), note });
}

export async function cancelTicket(deps: Deps, { reportId, runId, rev }: Fence, change: Change): Promise<void> {
  if (change.source === systemOfRecord) return;
  const note = 'Cancelled: the report was raised in error.';
  await moveTo(deps, reportId, runId, { to: 'cancelled', marker: changeMarker(reportId, rev, 'cancelled'), note });
}

type TicketChange = Omit<Move, 'from'>;

/** The ledger was written first. */
async function moveTo(deps: Deps, reportId: string, runId: string, change: TicketChange): Promise<void> {
  const row = await deps.ledger.read(reportId);
  const isStillDecided = (now: ReportRow) => now.runId === runId && now.state === change.to;
  const moved = await inSystem(deps, row, change, isStillDecided);
  if (!moved || moved.outcome === 'stale') return;
  const { outcome, readAt } = moved;
  const status = statusOfState[change.to];
  if (outcome === 'done') return deps.observed.noteMoved(reportId, { status, at: readAt });
  // Where somebody has moved it on to is found by reading it again.
  await deps.observed.noteMoved(reportId, { status, at: later(readAt, -1) });
  if (row.system && row.ticketId) await deps.systemStates.hint(row.system, [row.ticketId]);
}

/** Undefined if the run has decided otherwise. */
async function inSystem(
  { systems, observed, ticketLeases }: Deps,
  { id, system, ticketId, observedStatus }: ReportRow,
  change: TicketChange,
  isStillDecided: (row: ReportRow) => boolean,
): Promise<Moved | undefined> {
  if (system === null || ticketId === null) return undefined;
  const known = { system, ticketId, observed: observedStatus ?? 'inProgress' } as const;
  const moved = await ticketLeases
    .hold(id, change.marker, (assertHeld) => {
      const beforeWrite = async () => {
        if (!isStillDecided(await assertHeld())) throw new Superseded();
      };
      return systems.move(known, change, { signal: cancellationSignal(), beforeWrite });
    })
    .catch(undefinedIfSuperseded);
  if (moved?.noteRefusal !== undefined)
    log.warn('the ticket was changed, but the system refuses the note', { reportId: id, reason: moved.noteRefusal });
  if (moved?.outcome === 'stale') {
    const { ticket, readAt } = moved;
    if (ticket) await observed.observe(systems.observationOf(system, ticket, readAt));
    else {
      const gone = await observed.observeGone({ system, ticketId }, readAt, systems.named(system).settings.poll);
      if (gone?.outcome !== 'changed')
        throw new CloseoutError(
          'SystemUnavailable',
          `Ticket ${ticketId} of ${system} was not found; Closeout will look again.`,
        );
    }
  }
  return moved;
}

/** The run has decided otherwise since. */
class Superseded extends Error {}

function undefinedIfSuperseded(error: unknown): undefined {
  if (!(error instanceof Superseded)) throw error;
}

/** For the ticket's agents: how it came to be closed. */
function closingNote({ isConfirmed, clearing }: ClosingRequest, confirmation: ConfirmationState | null): string {
  const by = clearing.by === undefined ? '' : ` (cleared by ${clearing.by})`;
  switch (confirmation) {
    case 'yes':
      return `Closed: the customer confirmed that the problem is fixed${by}.`;
    case 'silence':
      return `Closed: the customer was asked whether the problem is fixed, and did not reply in time${by}.`;
    case 'released':
      return `Closed: an operator did not wait for the customer${by}.`;
    default:
      return isConfirmed ? `Closed by Closeout, without a reply from the customer${by}.` : `Closed by Closeout${by}.`;
  }
}
