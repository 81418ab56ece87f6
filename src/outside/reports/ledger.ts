/**
 * The ledger: what the run of each report has decided. Only the run that owns a row writes it, and only with a newer revision than
 * the row's: an attempt that was stopped, or belongs to a run that was lost, overwrites nothing. The default system of record is
 * the same row, so a decision and its execution are one transaction.
 */
import { sql } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import type { ReportStatus } from '../../contract/reports.js';
import { changedAt, type Change } from '../../policy/changes.js';
import { closingDueAt, expectedAfterClosing, waitBeforeClosing, type Wait } from '../../policy/closing.js';
import type { PolicyFor, PolicyRule } from '../../policy/settings.js';
import type { ByHand, Clearing, Decision, Fence } from '../../policy/standing.js';
import { hasEnded, isOpen, stateOf } from '../../policy/status.js';
import { soonAfter } from '../../policy/time.js';
import { now } from '../database/clock.js';
import type { Db, Tx } from '../database/database.js';
import { markConfirmationActedOn, withdrawConfirmation } from '../surveys/confirmations.js';
import type { SurveyIdOf } from '../surveys/survey-row.js';
import { withdrawSurvey } from '../surveys/surveys.js';
import { endReopenings } from '../unsent.js';
import { closeInOneStatement } from './close-in-one-statement.js';
import { endByHand, record } from './decisions.js';
import { recordStatus } from './history.js';
import { seenColumns, type Seen } from './observed.js';
import { listDiverged, restore, type Restoring } from './restore.js';
import { expectedSoon, set, supersedes, write, type Columns, type Written } from './fenced-write.js';
import { lock, read, takeOver } from './report-row.js';
import { isClearingRecorded, isReopenedElsewhere, toReport, type ReportRow } from './row-mapping.js';

export interface ClosingRequest {
  clearing: Clearing;
  /** The change to cleared. */
  change?: Change;
  /** ISO 8601: when the last wait before this closing ended, if there was one. */
  dueAt?: string;
  /** By which attributes the run knows its policy: if they still hold, closing takes one statement. */
  rule?: PolicyRule;
  isConfirmed: boolean;
  /** An operator closed it where we could not: record that without waiting for anything. */
  byHand?: ByHand;
  /** Only says what to wait for, and records that the report is cleared: its ticket is closed elsewhere first. */
  isPreparation?: boolean;
  /** Its ticket was closed elsewhere, and read afterwards. */
  seen?: Seen;
}

/** Unknown reports throw `ReportNotFound`. Every write is safe to repeat. */
export interface Ledger {
  read(reportId: string): Promise<ReportRow>;
  /** Notes the first runs of new reports, by the ids of the reports: what has a run is not started by the sweep. */
  noteBegun(runIds: ReadonlyMap<string, string>): Promise<void>;
  /** From now on, only this run may write. */
  takeOver(reportId: string, runId: string): Promise<ReportRow>;
  /**
   * PostgreSQL was restored to an earlier time: writes what the run knows. Throws `Diverged` if another program has changed the
   * report since, unless `isForced`. Does nothing if the row is not behind the run.
   */
  restore(restoring: Restoring): Promise<void>;
  /** Lists a report that `restore` refused: its run waits for an operator, and cannot write that itself. */
  listDiverged(reportId: string, error: Error): Promise<void>;
  /** Closes a cleared report, or records that it is cleared and says what to wait for. Throws `ClosureRefused`. */
  close(fence: Fence, request: ClosingRequest, policyFor: PolicyFor): Promise<Written & { wait?: Wait }>;
  /** Records that a report is cleared and waits for something until `expectedAt`. */
  clear(fence: Fence, clearing: Clearing, change?: Change): Promise<Written>;
  /** Reopens a report. One that had ended begins its next cycle. Withdraws its confirmation and its survey. */
  reopen(fence: Fence, change: Change, customersReason?: string): Promise<Written>;
  /** Cancels a report that is not closed yet, and withdraws its confirmation and its survey. */
  cancel(fence: Fence, change: Change): Promise<Written>;
  /** Closes a report whose ticket its system refuses to change. Its customer is not asked. */
  endByHand(fence: Fence, byHand: ByHand): Promise<Written>;
  /**
   * Writes what an operator decided. A report that was closed or cancelled first can no longer be held; while its
   * ticket is being closed, `SystemUnavailable` is thrown.
   */
  record(fence: Fence, decision: Decision): Promise<Written>;
  /** The run is alive, and will have written again by then; null: it waits for nothing but a signal. */
  expect(reportId: string, expectedAt: Date | null): Promise<void>;
  /** The run is alive, and retries a step that writes nothing here: it need not be woken for ten minutes. */
  keepsTrying(reportId: string): Promise<void>;
}

export function reportLedger(db: Db, surveyIdOf: SurveyIdOf): Ledger {
  const inTransaction = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.transaction().execute(work);
  return {
    read: (id) => read(db, id),

    async noteBegun(runIds) {
      await sql`
        update reports set run_id = begun.run_id from unnest(${[...runIds.keys()]}::text[], ${[...runIds.values()]}::text[]) as begun (id, run_id)
        where reports.id = begun.id and reports.run_id is null`.execute(db);
    },

    takeOver: (id, runId) => takeOver(db, id, runId),

    restore: (restoring) => inTransaction((tx) => restore(tx, surveyIdOf, restoring)),
    listDiverged: (id, error) => listDiverged(db, id, error),
    close: async (fence, request, policyFor) =>
      (request.isPreparation || request.seen ? undefined : await closeInOneStatement(db, fence, request, policyFor)) ??
      inTransaction((tx) => close(tx, fence, request, policyFor)),
    clear: (fence, clearing, change) => inTransaction((tx) => clear(tx, fence, clearing, change)),
    reopen: (fence, change, reason) => inTransaction((tx) => reopen(tx, surveyIdOf, fence, change, reason)),
    cancel: (fence, change) => inTransaction((tx) => cancel(tx, surveyIdOf, fence, change)),
    endByHand: (fence, byHand) => inTransaction((tx) => endByHand(tx, surveyIdOf, fence, byHand)),
    record: (fence, decision) => inTransaction((tx) => record(tx, fence, decision)),

    async expect(id, expectedAt) {
      await db.updateTable('reports').set({ expectedAt, wakes: 0, wakeAfter: null }).where('id', '=', id).execute();
    },

    async keepsTrying(id) {
      const wakeAfter = sql<Date>`now() + interval '10 minutes'`;
      await db.updateTable('reports').set({ wakes: 0, wakeAfter }).where('id', '=', id).execute();
    },
  };
}

async function clear(tx: Tx, fence: Fence, clearing: Clearing, change: Change | undefined): Promise<Written> {
  const before = await lock(tx, fence.reportId);
  if (stateOf(before.status) === 'cancelled' || isReopenedElsewhere(before, clearing, change))
    return { row: before, isSuperseded: true };
  const reason = await reasonOf(tx, fence.reportId, change);
  const isRecorded = before.status === 'resolved' && isClearingRecorded(before, clearing);
  const written = await write(tx, fence, (row) =>
    isRecorded ? { expectedAt: expectedSoon() } : clearedColumns(row, clearing, reason),
  );
  const { row, isSuperseded } = written;
  if (!isSuperseded && !isRecorded && row.status === 'resolved')
    await recordStatus(tx, row, [{ status: 'resolved', at: new Date(clearing.at), by: clearing.by, reason }]);
  return written;
}

async function close(
  tx: Tx,
  fence: Fence,
  { clearing, change, dueAt, isConfirmed, byHand, isPreparation = false, seen }: ClosingRequest,
  policyFor: PolicyFor,
): Promise<Written & { wait?: Wait }> {
  const row = await lock(tx, fence.reportId);
  const isSuperseded = supersedes(row, fence);
  const observed = stateOf(row.status);
  if (isSuperseded) return { row, isSuperseded };
  if (hasEnded(row.state)) return write(tx, fence, () => undefined);
  if (observed === 'cancelled')
    throw new CloseoutError(
      'ClosureRefused',
      `Report ${row.id} is ${row.status}; only a cleared report can be closed.`,
    );
  const isReopened = isReopenedElsewhere(row, clearing, change);
  if (isReopened && !byHand && !seen) return { row, isSuperseded: true };
  const isKnown = observed === 'cleared' && isClearingRecorded(row, clearing);
  const decidedAt = now();
  const facts = { policy: policyFor(toReport(row)), clearing, hold: row.hold ?? undefined, isConfirmed };
  const wait = byHand || observed === 'closed' ? undefined : waitBeforeClosing(facts, decidedAt);
  const isNew = row.rev < fence.rev;
  // Whoever continues from the ledger finds the reply there.
  if (isConfirmed) await markConfirmationActedOn(tx, row.id, row.cycle);
  if (!isNew && wait) return { row, isSuperseded, wait };
  const reason = await reasonOf(tx, fence.reportId, change);
  const cleared = { status: 'resolved' as const, at: new Date(clearing.at), by: clearing.by, reason };
  if (wait ?? isPreparation) {
    if (!isKnown) await recordStatus(tx, row, [cleared]);
    const expectedAt = wait ? expectedAfter(wait) : expectedSoon();
    const columns = isNew || !isKnown ? { ...clearedColumns(row, clearing, reason), expectedAt } : { expectedAt };
    return { row: await set(tx, fence, columns), isSuperseded, wait };
  }
  const by = byHand?.by ?? (observed === 'closed' ? undefined : 'closeout');
  const closed = { status: 'closed' as const, at: decidedAt, by, reason: byHand?.note };
  await recordStatus(tx, row, isKnown || observed === 'closed' ? [closed] : [cleared, closed]);
  // Reopened there since it was closed there: the status stays, from which the run learns of it.
  const status = isReopened && seen ? undefined : ('closed' as const);
  const columns = { ...clearedColumns(row, clearing, reason), ...seenColumns(seen), state: 'closed' as const, status };
  const expectedAt = expectedAfterClosing(facts.policy, decidedAt);
  // A report that was closed elsewhere, or by hand, says nothing about how fast we are.
  const closeDueAt = byHand || observed === 'closed' ? null : closingDueAt(facts, dueAt);
  const done = { ...columns, closedAt: decidedAt, closeDueAt, attention: null, expectedAt };
  return { row: await set(tx, fence, done), isSuperseded };
}

function clearedColumns(row: ReportRow, { at, receivedAt, by }: Clearing, reason?: string): Columns {
  const isClosed = row.status === 'closed';
  return {
    state: 'cleared',
    status: isClosed ? undefined : 'resolved',
    statusReason: reason ?? (isClosed || row.status === 'resolved' ? undefined : null),
    changedAt: at,
    clearedAt: at,
    clearReceivedAt: receivedAt,
    clearBy: by ?? null,
    expectedAt: expectedSoon(),
    lastUpdate: sql<Date>`now()`,
  };
}

const expectedAfter = (wait: Wait): Date | null => {
  if (wait.for === 'release') return null;
  return wait.for === 'holdDown' ? soonAfter(new Date(wait.until)) : expectedSoon();
};

async function reopen(
  tx: Tx,
  surveyIdOf: SurveyIdOf,
  fence: Fence,
  change: Change,
  customersReason: string | undefined,
): Promise<Written> {
  const reason = (await reasonOf(tx, fence.reportId, change)) ?? customersReason;
  const written = await write(tx, fence, (row) => {
    const isNextCycle = hasEnded(row.state);
    const isMoved = isNextCycle || !isOpen(row.status);
    return {
      state: 'open',
      cycle: isNextCycle ? row.cycle + 1 : row.cycle,
      ...(isMoved || change.status ? { status: reopenedStatus(row, change), statusReason: reason ?? null } : {}),
      changedAt: changedAt(change),
      clearedAt: null,
      clearReceivedAt: null,
      clearBy: null,
      closedAt: null,
      closeDueAt: null,
      releasedBy: null,
      // What was forgotten comes again from its system, or from whoever reopens the report.
      ...(isNextCycle ? { skipSurveyBy: null, forgottenAt: null } : {}),
      attention: null,
      expectedAt: null,
      lastUpdate: sql<Date>`now()`,
    };
  });
  if (written.isSuperseded || written.row.state !== 'open') return written;
  const { row } = written;
  await noteChanged(tx, row, change, reason);
  await endReopenings(tx, row.id);
  if (row.cycle > fence.cycle)
    await withdrawSurvey(tx, surveyIdOf, { ...toReport(row), cycle: fence.cycle }, 'reopened');
  return written;
}

/** The status that the change names, else the one that another program has set. */
function reopenedStatus({ status, state }: ReportRow, change: Change): ReportStatus {
  if (change.status && isOpen(change.status)) return change.status;
  return hasEnded(state) && isOpen(status) ? status : 'inProgress';
}

/** Whatever was asked about the clearing is no longer of interest. */
async function noteChanged(tx: Tx, row: ReportRow, change: Change, reason: string | undefined): Promise<void> {
  await recordStatus(tx, row, [{ status: row.status, at: new Date(changedAt(change)), by: change.by, reason }]);
  await withdrawConfirmation(tx, row.id, reason);
}

async function cancel(tx: Tx, surveyIdOf: SurveyIdOf, fence: Fence, change: Change): Promise<Written> {
  const reason = await reasonOf(tx, fence.reportId, change);
  const asked = change.status === 'rejected' ? 'rejected' : 'cancelled';
  const written = await write(tx, fence, (row) => {
    if (row.state === 'closed' || stateOf(row.status) === 'closed') return undefined;
    const status: ReportStatus = stateOf(row.status) === 'cancelled' ? row.status : asked;
    return {
      state: 'cancelled',
      status,
      statusReason: reason ?? null,
      changedAt: changedAt(change),
      attention: null,
      expectedAt: null,
      lastUpdate: sql<Date>`now()`,
    };
  });
  if (written.isSuperseded || written.row.state !== 'cancelled') return written;
  const { row } = written;
  await noteChanged(tx, row, change, reason);
  await withdrawSurvey(tx, surveyIdOf, toReport(row), 'cancelled');
  return written;
}

/** The reason of a change may be a customer's words, so it never was in a signal. */
async function reasonOf(tx: Tx, reportId: string, change: Change | undefined): Promise<string | undefined> {
  if (!change?.hasReason || change.id === undefined) return undefined;
  const stored = await tx
    .selectFrom('changeReasons')
    .select('reason')
    .where('reportId', '=', reportId)
    .where('id', '=', change.id)
    .executeTakeFirst();
  return stored?.reason;
}
