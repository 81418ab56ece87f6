/** What an operator decides about a report, as the ledger holds it. */
import { sql } from 'kysely';
import { CloseoutError } from '../../contract/errors.js';
import type { ByHand, Decision, Fence } from '../../policy/standing.js';
import { second } from '../../policy/time.js';
import { now } from '../database/clock.js';
import type { Tx } from '../database/database.js';
import { withdrawConfirmation } from '../surveys/confirmations.js';
import type { SurveyIdOf } from '../surveys/survey-row.js';
import { withdrawSurvey } from '../surveys/surveys.js';
import { expectedSoon, write, type Columns, type Written } from './fenced-write.js';
import { recordStatus } from './history.js';
import { isBeingClosed, toReport, type ReportRow } from './row-mapping.js';
import { hasEnded } from '../../policy/status.js';

export async function record(tx: Tx, fence: Fence, { operation, ...decision }: Decision): Promise<Written> {
  const written = await write(tx, fence, (row) => decisionColumns(row, decision));
  const { reportId, cycle, rev } = fence;
  if (operation && !written.isSuperseded && !written.isTooLate && written.row.rev === rev)
    await tx
      .insertInto('operations')
      .values({ ...operation, reportId, cycle, rev })
      .onConflict((c) => c.doNothing())
      .execute();
  return written;
}

function decisionColumns(row: ReportRow, decision: Omit<Decision, 'operation'>): Columns | undefined {
  const { hold } = decision;
  if (hold && hasEnded(row.state)) return undefined;
  if (hold && isBeingClosed(row, now()))
    throw new CloseoutError('SystemUnavailable', `The ticket of report ${row.id} is being closed.`, undefined, {
      retryAfter: second,
    });
  const json = (value: object | null | undefined) => (value ? JSON.stringify(value) : value);
  // A held report waits for nothing but an operator, or its customer.
  const isReleased = hold === null && row.state === 'cleared';
  const expected = hold ? { expectedAt: null } : isReleased ? { expectedAt: expectedSoon() } : {};
  return { ...expected, ...decision, hold: json(hold), attention: json(decision.attention) };
}

/** Closes a report whose ticket stays as it is in its system. Its customer is not asked about a change that was not made. */
export async function endByHand(tx: Tx, surveyIdOf: SurveyIdOf, fence: Fence, { by, note }: ByHand): Promise<Written> {
  let isEnded = false;
  const at = now();
  const written = await write(tx, fence, (row) => {
    if (hasEnded(row.state)) return undefined;
    isEnded = true;
    return {
      state: 'closed',
      status: 'closed',
      statusReason: note ?? null,
      changedAt: at,
      closedAt: at,
      closeDueAt: null,
      attention: null,
      expectedAt: null,
      lastUpdate: sql<Date>`now()`,
    };
  });
  if (!isEnded) return written;
  const { row } = written;
  await recordStatus(tx, row, [{ status: 'closed', at, by, reason: note }]);
  await withdrawConfirmation(tx, row.id);
  await withdrawSurvey(tx, surveyIdOf, toReport(row), 'byOperator');
  return written;
}
