/** Whether the status of a report can follow. Throws `StatusConflict` that says what is allowed. */
import { CloseoutError } from '../contract/errors.js';
import type { ChangeKind, Report, ReportStatus } from '../contract/reports.js';
import { allowedAfter, changeTo } from '../policy/status.js';

export function assertChangeable({ id, status }: Report, kind: ChangeKind): void {
  if (changeTo(status) === kind) return; // repeated
  if (allowedAfter(status).length === 0)
    throw new CloseoutError('StatusConflict', `Report ${id} is ${status}, which is final.`, 'status');
  if (kind === 'cancelled' && status === 'closed')
    throw new CloseoutError(
      'StatusConflict',
      `Report ${id} is closed; a closed report can only be reopened.`,
      'status',
    );
}

export function assertAllowed({ id, status: from }: Report, to: ReportStatus): void {
  // A repeated request: the report was cleared, and has been closed since.
  const isRepeated = from === to || (from === 'closed' && to === 'resolved');
  if (isRepeated || allowedAfter(from).includes(to)) return;
  const allowed = allowedAfter(from).join(', ');
  const hint = to === 'closed' ? ' Closeout itself closes a report once it is resolved.' : '';
  const message = allowed
    ? `Report ${id} is ${from}; its status can become ${allowed}, but not ${to}.${hint}`
    : `Report ${id} is ${from}, which is final.`;
  throw new CloseoutError('StatusConflict', message, 'status');
}
