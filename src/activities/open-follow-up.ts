import { cancellationSignal } from '@temporalio/activity';
import { hasCode } from '../contract/errors.js';
import { followUpIdOf } from '../contract/ids.js';
import type { Contact } from '../contract/contact.js';
import type { Report } from '../contract/reports.js';
import type { RequestContext } from '../systems/http.js';
import type { Deps } from './deps.js';

/**
 * Opens a report that refers to one closed too long ago to be reopened, starts its run, and returns its id. Safe to repeat: the
 * id is the same each time, and a run that was started before continues.
 */
export async function openFollowUp(
  deps: Deps,
  { reportId, cycle }: { reportId: string; cycle: number },
): Promise<string> {
  const { reports, runs, ledger, observed, ticketLeases } = deps;
  const [report, contact] = await Promise.all([reports.get(reportId), reports.contactOf(reportId)]);
  const id = followUpIdOf(reportId, cycle);
  const known = await observed.ticketOf(reportId);
  if (known)
    return ticketLeases
      .hold(reportId, undefined, (beforeWrite) =>
        openTicket(deps, known.system, report, contact, id, { beforeWrite, signal: cancellationSignal() }),
      )
      .catch(async (error: unknown) => {
        await ledger.keepsTrying(reportId);
        throw error;
      });
  const { description, severity, ticketType, priority, customerId } = report;
  const relationship = { id: reportId, relationshipType: 'followUp', '@referredType': 'TroubleTicket' };
  const document = { troubleTicketRelationship: [relationship] };
  try {
    await reports.open({
      id,
      description,
      severity,
      ticketType,
      priority,
      customerId,
      contact,
      document,
      openedBy: 'customer',
    });
  } catch (error) {
    if (!hasCode(error, 'ReportExists')) throw error;
  }
  await runs.begin(await reports.get(id));
  return id;
}

/** In the system in which the first ticket lives; the id that the customer was shown is its reference there. */
async function openTicket(
  { systems, observed, reports, runs }: Deps,
  system: string,
  { id: reportId, name, description, severity, ticketType, customerId }: Report,
  contact: Contact | undefined,
  reference: string,
  context: RequestContext,
): Promise<string> {
  const opened = await systems.open(
    system,
    {
      name: `Not solved: ${name ?? description}`.slice(0, 200),
      description: `${description}\n\nThe customer says that the problem of ${reportId} is not solved.`,
      severity,
      ticketType,
      customerId,
      contact,
      reference,
    },
    context,
  );
  const id = await observed.observeOpened(systems.observationOf(system, opened.ticket, opened.at));
  await runs.begin(await reports.get(id));
  return id;
}
