/** Writes again what a run knows, after PostgreSQL was restored to an earlier time. */
import { sql } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import type { Attention, ReportStatus } from '../../contract/reports.js';
import type { Standing } from '../../policy/standing.js';
import { stateOf, statusOfState } from '../../policy/status.js';
import { later, minute, soonAfter } from '../../policy/time.js';
import { now } from '../database/clock.js';
import type { Db } from '../database/database.js';
import { restoreSurvey, type AskedBy } from '../surveys/restore.js';
import type { SurveyIdOf } from '../surveys/survey-row.js';
import { recordStatus, type RecordedStatus } from './history.js';
import { lock } from './report-row.js';

export interface Restoring {
  reportId: string;
  runId: string;
  /** What the run has written. */
  known: Standing;
  /** Absent: nobody was asked. */
  askedBy: AskedBy | undefined;
  /** Restores even if another program has changed the report since. */
  isForced: boolean;
}

export async function restore(
  tx: Db,
  surveyIdOf: SurveyIdOf,
  { reportId: id, runId, known, askedBy, isForced }: Restoring,
): Promise<void> {
  const row = await lock(tx, id);
  if (row.rev > known.rev) return;
  await restoreSurvey(tx, surveyIdOf, row, known, askedBy);
  if (row.rev === known.rev) return;
  // A ticket that was read in its system since then is no change of another program.
  const isOfAnother = row.system === null && stateOf(row.status) !== row.state && stateOf(row.status) !== known.state;
  if (isOfAnother && !isForced)
    throw new CloseoutError(
      'Diverged',
      `The database was restored, and since then another program set report ${id} to ${row.status}; its run knows it as ${known.state}.`,
    );
  const { state, cycle, rev, received, clearing, closedAt, hold, releasedBy, skipSurveyBy, attention } = known;
  const isUnchanged = stateOf(row.status) === state && row.cycle === cycle;
  const status = isUnchanged ? row.status : statusOfState[state];
  await tx
    .updateTable('reports')
    .set({
      state,
      status,
      cycle,
      rev,
      runId,
      received: JSON.stringify(received),
      clearedAt: clearing?.at ?? null,
      clearReceivedAt: clearing?.receivedAt ?? null,
      clearBy: clearing?.by ?? null,
      closedAt: closedAt ?? null,
      hold: hold ? JSON.stringify(hold) : null,
      releasedBy: releasedBy ?? null,
      skipSurveyBy: skipSurveyBy ?? null,
      attention: attention ? JSON.stringify(attention) : null,
      expectedAt: nextWriteOf(known),
      lastUpdate: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute();
  if (!isUnchanged) await recordStatus(tx, { id, cycle }, changesTo(status, known));
}

/** Lists a report that could not be restored: its run waits for an operator, and cannot write that itself. */
export async function listDiverged(db: Db, id: string, { name, message }: Error): Promise<void> {
  const attention: Attention = {
    step: 'lookUpReport',
    code: 'Diverged',
    failure: `${name}: ${message}`,
    since: now().toISOString(),
  };
  await db
    .updateTable('reports')
    .set({ attention: JSON.stringify(attention) })
    .where('id', '=', id)
    .execute();
}

/** When the run writes next; null: not before something happens. */
function nextWriteOf({ state, survey, confirmation }: Standing): Date | null {
  if (state === 'open' || state === 'cancelled') return null;
  if (state === 'cleared' && confirmation?.state === 'sent')
    return soonAfter(new Date(confirmation.warnAt ?? confirmation.closesAt));
  if (state === 'closed' && survey.state === 'sent')
    return survey.expiresAt ? soonAfter(new Date(survey.expiresAt)) : null;
  return state === 'closed' && survey.state !== 'none' ? null : later(now(), 2 * minute);
}

/** The changes that led to a status, at the times that the run knows. */
function changesTo(status: ReportStatus, { state, clearing, closedAt }: Standing): RecordedStatus[] {
  const cleared = clearing && { status: 'resolved' as const, at: new Date(clearing.at), by: clearing.by };
  if (state === 'cleared' && cleared) return [cleared];
  const last = { status, at: state === 'closed' && closedAt ? new Date(closedAt) : now() };
  return state === 'closed' && cleared ? [cleared, last] : [last];
}
