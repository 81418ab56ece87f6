/** Closing, reopening and cancelling a report whose ticket lives in an external system. */
import type { ClosingRequest } from '../outside/reports/ledger.js';
import type { ConfirmationState } from '../contract/survey.js';
import type { Change } from '../policy/changes.js';
import type { Fence } from '../policy/standing.js';
import { later } from '../policy/time.js';
import type { Moved } from '../systems/move.js';
import { statusOfState, stateOfWord } from '../systems/words.js';
import type { Deps } from './deps.js';

/** A change of the ticket, and the mark by which its note is recognised. */
interface TicketChange {
  to: 'closed' | 'open' | 'cancelled';
  mark: string;
  note: string | undefined;
}

/**
 * Closes the ticket and reads it again. Returns false if somebody has moved it on: then what was seen is noted, and the run has to look
 * again. Safe to repeat: `moveTicket` reads first.
 */
export async function closeTicket(
  deps: Deps,
  fence: Fence,
  request: ClosingRequest,
): Promise<'closed' | 'undone' | 'stale'> {
  const { reportId, cycle } = fence;
  const survey = await deps.surveys.ofCycle(reportId, cycle);
  const note = closingNote(request, survey?.confirmation ?? null);
  const moved = await inSystem(deps, reportId, { to: 'closed', mark: `closeout:${reportId}:${cycle}:closed`, note });
  if (!moved || moved.outcome === 'done') return 'closed';
  return moved.outcome;
}

/** A ticket that somebody has moved on is left alone: its next observation decides. */
export async function reopenTicket(
  deps: Deps,
  { reportId, rev }: Fence,
  change: Change,
  reason: string | undefined,
): Promise<void> {
  if (change.source === observer) return;
  const by = change.by === 'customer' ? 'The customer says that the problem is not fixed.' : 'Reopened by Closeout.';
  const note = [by, reason].filter(Boolean).join('\n');
  await inSystem(deps, reportId, { to: 'open', mark: `closeout:${reportId}:${rev}:reopened`, note });
}

export async function cancelTicket(deps: Deps, { reportId, rev }: Fence, change: Change): Promise<void> {
  if (change.source === observer) return;
  const note = 'Cancelled: the report was raised in error.';
  await inSystem(deps, reportId, { to: 'cancelled', mark: `closeout:${reportId}:${rev}:cancelled`, note });
}

/** The source of a change that was seen in the system itself (workflows/run.ts). */
const observer = 'system of record';

/** Undefined if the report lives in our own store. */
async function inSystem(deps: Deps, reportId: string, change: TicketChange): Promise<Moved | undefined> {
  const { observed, systems } = deps;
  const known = await observed.ticketOf(reportId);
  if (!known) return undefined;
  await observed.beginMove(reportId);
  const moved = await systems.move(known, change).catch(async (error: unknown) => {
    await observed.endMove(reportId);
    throw error;
  });
  const { ticket, readAt, outcome } = moved;
  if (outcome === 'done' && ticket) await observed.endMove(reportId, { status: statusOfState[change.to], at: readAt });
  else await observed.endMove(reportId);
  if (outcome !== 'done') await noteMovedOn(deps, reportId, known.system, change, moved);
  return moved;
}

/** What was seen instead counts as an observation; after an undone change, as one that followed it. */
async function noteMovedOn(
  { observed, systems }: Deps,
  reportId: string,
  system: string,
  { to }: TicketChange,
  { ticket, readAt, outcome }: Moved,
): Promise<void> {
  if (!ticket) {
    await observed.observeGone(reportId, readAt);
    return;
  }
  if (outcome === 'undone' && stateOfWord(ticket.status, systems.named(system).words) !== to)
    await observed.endMove(reportId, { status: statusOfState[to], at: later(readAt, -1) });
  const observation = systems.observationOf(system, ticket, readAt);
  if (outcome === 'stale') await observed.observe(observation);
}

/** For the ticket's agents: how it came to be closed. */
function closingNote(
  { isConfirmed, byHand, clearing }: ClosingRequest,
  confirmation: ConfirmationState | null,
): string {
  const by = clearing.by === undefined ? '' : ` (cleared by ${clearing.by})`;
  if (byHand) return `Closed by ${byHand.by}.`;
  switch (confirmation) {
    case 'yes':
      return `Closed: the customer confirmed that the problem is fixed${by}.`;
    case 'silence':
      return `Closed: the customer was asked whether the problem is fixed, and did not reply in time${by}.`;
    case 'released':
      return `Closed: an operator did not wait for the customer${by}.`;
    default:
      return isConfirmed ? `Closed by Closeout, without a reply of the customer${by}.` : `Closed by Closeout${by}.`;
  }
}
