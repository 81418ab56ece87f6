/** Opening a report: what is checked before it is stored, and its first run. */
import { randomUUID } from 'node:crypto';
import { CloseoutError } from '../contract/errors.js';
import type { NewReport, Report } from '../contract/reports.js';
import type { Stores } from '../outside/stores.js';
import type { Temporal } from '../outside/temporal/connect.js';
import { assertContact, assertDescription, assertIds, assertPast, assertReportId } from './checks.js';

export function checkedOpening(report: NewReport): NewReport & { id: string } {
  const { id = randomUUID(), contact, openedAt } = report;
  assertReportId(id);
  assertIds(report);
  if (contact) assertContact(contact);
  assertDescription(report.description);
  if (openedAt !== undefined) assertPast(openedAt, 'openedAt');
  return { ...report, id };
}

/** The run need not look up a report that was just stored. If the ledger cannot be told which run it is, the watch wakes the run. */
export async function beginNewRun(
  { stores, temporal }: { stores: Pick<Stores, 'ledger' | 'surveys'>; temporal: Pick<Temporal, 'runs'> },
  report: Report,
): Promise<void> {
  const { id, cycle, ticketType, severity, priority, customerId, serviceProblemId } = report;
  const surveyId = stores.surveys.idOf(id, cycle);
  const opened = { ticketType, severity, priority, customerId, serviceProblemId, surveyId };
  const runId = await temporal.runs.begin(report, opened);
  if (runId !== undefined) await stores.ledger.assign(id, runId).catch(ignoreLostDatabase);
}

function ignoreLostDatabase(error: unknown): void {
  if (!(error instanceof CloseoutError && error.code === 'DatabaseUnavailable')) throw error;
}
