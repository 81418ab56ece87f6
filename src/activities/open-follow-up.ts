import { CloseoutError } from '../contract/errors.js';
import { followUpIdOf } from '../contract/ids.js';
import type { Deps } from './deps.js';

/**
 * Opens a report that refers to one closed too long ago to be reopened, starts its run, and returns its id. Safe to repeat: the
 * id is the same each time, and a run that was started before continues.
 */
export async function openFollowUp(
  { reports, runs }: Deps,
  { reportId, cycle }: { reportId: string; cycle: number },
): Promise<string> {
  const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
  const id = followUpIdOf(reportId, cycle);
  const { description, severity, ticketType, priority, customerId } = report;
  const relationship = { id: reportId, relationshipType: 'followUp', '@referredType': 'TroubleTicket' };
  const document = { troubleTicketRelationship: [relationship] };
  try {
    await reports.open({ id, description, severity, ticketType, priority, customerId, contact, document });
  } catch (error) {
    if (!(error instanceof CloseoutError && error.code === 'ReportExists')) throw error;
  }
  await runs.begin(await reports.get(id));
  return id;
}
