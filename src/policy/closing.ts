/** Whether a cleared report may be closed, or what has to be waited for first. Pure. */
import type { Policy } from './settings.js';
import type { Clearing, Hold } from './standing.js';
import { later, minute } from './time.js';

/** `until`: ISO 8601. */
export type Wait = { for: 'holdDown'; until: string } | { for: 'release' } | { for: 'confirmation' };

export interface ClosingFacts {
  policy: Pick<Policy, 'holdDown' | 'confirmation'>;
  clearing: Clearing;
  hold: Hold | undefined;
  /** The customer was asked, or an operator does not wait for the customer. */
  isConfirmed: boolean;
}

/** Undefined if the report may be closed. The hold-down runs from the receipt of the change to cleared. */
export function waitBeforeClosing({ policy, clearing, hold, isConfirmed }: ClosingFacts, now: Date): Wait | undefined {
  const holdDownEnds = Date.parse(clearing.receivedAt) + policy.holdDown;
  if (policy.holdDown > 0 && holdDownEnds > now.getTime())
    return { for: 'holdDown', until: new Date(holdDownEnds).toISOString() };
  if (hold) return { for: 'release' };
  return policy.confirmation && !isConfirmed ? { for: 'confirmation' } : undefined;
}

/** Since when nothing has had to be waited for. `dueAt`: what the run knows of the waits that it has seen end. */
export function closingDueAt({ policy, clearing }: ClosingFacts, dueAt: string | undefined): Date {
  const holdDownEnds = Date.parse(clearing.receivedAt) + policy.holdDown;
  return new Date(Math.max(holdDownEnds, dueAt === undefined ? 0 : Date.parse(dueAt)));
}

/** A report that was just closed is written again once its survey is decided, soon after the policy's delay. */
export const expectedAfterClosing = ({ survey }: Policy, closedAt: Date): Date =>
  later(closedAt, survey.delay + 5 * minute);
