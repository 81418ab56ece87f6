/** A report as a TMF621 v4.0.0 trouble ticket. */
import type { Contact } from '../contract/contact.js';
import type { Report, StatusChange } from '../contract/reports.js';

export const ticketPath = '/tmf-api/troubleTicket/v4/troubleTicket';

export function toTicket(
  report: Report,
  { contact, history }: { contact?: Contact; history: StatusChange[] },
  baseUrl: string,
): Record<string, unknown> {
  const { id, customerId, serviceProblemId, document } = report;
  const customer = customerId && { id: customerId, role: 'customer', '@referredType': 'Customer' };
  const problem = serviceProblemId && {
    id: serviceProblemId,
    role: 'serviceProblem',
    '@referredType': 'ServiceProblem',
  };
  return {
    id,
    href: `${baseUrl}${ticketPath}/${id}`,
    '@type': 'TroubleTicket',
    ...document,
    name: report.name,
    description: report.description,
    severity: report.severity,
    ticketType: report.ticketType,
    priority: report.priority,
    externalId: report.externalId,
    status: report.status,
    statusChangeDate: history.at(-1)?.at ?? report.openedAt,
    statusChangeReason: report.statusReason,
    statusChange: history.map(({ status, at, reason }) => ({ status, changeDate: at, changeReason: reason })),
    creationDate: report.openedAt,
    lastUpdate: report.lastUpdate,
    resolutionDate: report.clearedAt ?? document['resolutionDate'],
    relatedParty: document['relatedParty'] ?? (customer && [customer]),
    relatedEntity: document['relatedEntity'] ?? (problem && [problem]),
    relatedContactInformation: contactsOf(contact, document['relatedContactInformation']),
  };
}

function contactsOf(contact: Contact | undefined, others: unknown): unknown[] | undefined {
  const { attributes, ...own } = contact ?? {};
  const reporter = contact ? [{ role: 'reporterContact', ...own, ...attributes }] : [];
  const all = Array.isArray(others) ? [...reporter, ...(others as unknown[])] : reporter;
  return all.length > 0 ? all : undefined;
}
