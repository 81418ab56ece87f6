/** The usual closing, in one statement. */
import { sql } from 'kysely';
import { closingDueAt, expectedAfterClosing, waitBeforeClosing } from '../../policy/closing.js';
import { systemOfRecord } from '../../policy/changes.js';
import type { PolicyFor } from '../../policy/settings.js';
import type { Fence } from '../../policy/standing.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import type { Written } from './fenced-write.js';
import type { ClosingRequest } from './ledger.js';
import type { ReportRow } from './row-mapping.js';

/**
 * Closes a report that waits for nothing, if it is as its run knows it. Returns undefined if it is not; then nothing was written,
 * and the whole decision has to be made under a lock. A new report may not know its run yet.
 */
export async function closeInOneStatement(
  db: Db,
  { reportId, runId, cycle, rev, lastWrittenRev = 0, write, received, signals }: Fence,
  { clearing, change, dueAt, rule, byHand, isConfirmed }: ClosingRequest,
  policyFor: PolicyFor,
): Promise<Written | undefined> {
  if (!rule || policyFor.readsTicket || byHand || change?.hasReason || !received) return undefined;
  const policy = policyFor(rule);
  const closedAt = now();
  const facts = { policy, clearing, hold: undefined, isConfirmed };
  if (policy.confirmation || isConfirmed || waitBeforeClosing(facts, closedAt)) return undefined;
  const expectedAt = expectedAfterClosing(policy, closedAt);
  const { ticketType, severity, priority = null, customerId = null } = rule;
  const { rows } = await sql<ReportRow>`
    with closed as (
      update reports set state = 'closed', status = 'closed', status_reason = null, changed_at = ${clearing.at},
        cleared_at = ${clearing.at}, clear_received_at = ${clearing.receivedAt}, clear_by = ${clearing.by ?? null},
        closed_at = ${closedAt}, close_due_at = ${closingDueAt(facts, dueAt)}, last_update = now(), expected_at = ${expectedAt}, attention = null, wakes = 0, wake_after = null,
        run_id = ${runId}, rev = ${rev}, last_write = ${write}, received = ${JSON.stringify(received)}, signals = ${signals ?? 0}
      where id = ${reportId} and (run_id = ${runId} or run_id is null) and rev < ${rev} and rev >= ${lastWrittenRev} and cycle = ${cycle} and hold is null and ticket_type = ${ticketType}
        and severity = ${severity} and priority is not distinct from ${priority}
        and customer_id is not distinct from ${customerId} and (state = 'open' and state_of(status) = 'open' and ${change?.source !== systemOfRecord}
          or state in ('open', 'cleared') and state_of(status) = 'cleared')
      returning *),
    noted as (
      insert into status_changes (report_id, cycle, status, at, by)
      select id, cycle, 'resolved', ${clearing.at}::timestamptz, ${clearing.by ?? null} from closed
      union all select id, cycle, 'closed', ${closedAt}::timestamptz, 'closeout' from closed
      on conflict (report_id, status, at) do nothing)
    select * from closed`.execute(db);
  const [row] = rows;
  return row && { row, isSuperseded: false };
}
