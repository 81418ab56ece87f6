/** TMF621 v4.0.0 trouble tickets on the wire: what is accepted, what it means for us, what is given back. */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { reportIdPattern } from '../contract/ids.js';
import {
  emailAddressPattern,
  emailAddressWords,
  isTimeZone,
  languageTagPattern,
  languageTagWords,
  reportStatuses,
  timeZoneWords,
  type Contact,
  type NewReport,
  type Report,
} from '../contract/reports.js';
import type { ReportDetails } from '../outside/reports/port.js';
import { isOpen } from '../policy/status.js';

const word = z.string().min(1).max(255);
const text = z.string().min(1).max(10_000);
/** What a client may send but only the server sets (TMF621: not patchable). */
const serverSet = ['href', 'creationDate', 'lastUpdate', 'statusChange', 'statusChangeDate', 'resolutionDate'] as const;

export const emailAddress = z.string().regex(emailAddressPattern, emailAddressWords);

const timeZone = z.string().refine(isTimeZone, { error: timeZoneWords });

const contact = z.looseObject({
  role: word,
  name: z.string().max(255).optional(),
  emailAddress: emailAddress.optional(),
  preferredLanguage: z.string().regex(languageTagPattern, languageTagWords).optional(),
  timeZone: timeZone.optional(),
});

const attributes = z.looseObject({
  description: text,
  severity: word,
  ticketType: word,
  name: word.optional(),
  priority: word.optional(),
  externalId: word.optional(),
  status: z.enum(reportStatuses).optional(),
  statusChangeReason: z.string().max(1000).optional(),
  note: z.array(z.looseObject({ text: text })).optional(),
  relatedContactInformation: z.array(contact).optional(),
  relatedParty: z.array(z.looseObject({ id: word, '@referredType': word, role: word.optional() })).optional(),
  relatedEntity: z.array(z.looseObject({ id: word, '@referredType': word, role: word })).optional(),
});

const creation = attributes.extend({
  id: z
    .string()
    .regex(reportIdPattern, 'must be 1 to 64 letters, digits, ".", "_" or "-", a letter or digit first')
    .optional(),
});
const patch = attributes.partial();

type Patch = z.infer<typeof patch>;

export function parseCreation(body: unknown): NewReport {
  const ticket = parse(creation, body);
  const { id, status = 'acknowledged', description, severity, ticketType } = ticket;
  if (!isOpen(status)) {
    throw new CloseoutError(
      'BadInput',
      `status must be acknowledged, inProgress, pending or held when a ticket is created, not ${status}.`,
      'status',
    );
  }
  return { ...toReport(ticket), id, description, severity, ticketType, status: status as NewReport['status'] };
}

/** Everything but the status and its reason, which are for the run. */
export function parsePatch(
  body: unknown,
): Pick<Patch, 'status' | 'statusChangeReason'> & { changes: Partial<NewReport> } {
  const ticket = parse(patch, body);
  const { status, statusChangeReason } = ticket;
  for (const name of ['id', ...serverSet]) {
    if (name in ticket) throw new CloseoutError('BadInput', `${name} cannot be patched: the server sets it.`, name);
  }
  return { status, statusChangeReason, changes: toReport(ticket) };
}

/** Attributes with a column of their own, or for others to set; the rest of a ticket is kept as its document. */
const notDocument = new Set<string>([
  ...serverSet,
  ...['id', 'status', 'statusChangeReason', 'relatedContactInformation'],
  ...['description', 'severity', 'ticketType', 'name', 'priority', 'externalId'],
]);

function toReport(ticket: Patch): Partial<NewReport> {
  const { description, severity, ticketType, name, priority, externalId, relatedContactInformation } = ticket;
  const others = relatedContactInformation?.filter(({ role }) => role !== 'reporterContact');
  const reporter = relatedContactInformation?.find(({ role }) => role === 'reporterContact');
  const rest = Object.fromEntries(Object.entries(ticket).filter(([attribute]) => !notDocument.has(attribute)));
  return {
    ...{ description, severity, ticketType, name, priority, externalId },
    customerId: ticket.relatedParty?.find(({ role }) => role === 'customer')?.id,
    serviceProblemId: ticket.relatedEntity?.find(({ role }) => role === 'serviceProblem')?.id,
    ...(reporter ? { contact: toContact(reporter) } : {}),
    document: { ...rest, ...(others?.length ? { relatedContactInformation: others } : {}) },
  };
}

function toContact({ name, emailAddress, preferredLanguage, timeZone }: z.infer<typeof contact>): Contact {
  return { name, emailAddress, preferredLanguage, timeZone };
}

/** `field` is the path in the body, as `relatedContactInformation[0].emailAddress`. */
export function parse<T>(schema: z.ZodType<T>, body: unknown, name = 'The body'): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = (issue?.path ?? [])
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  const missing = issue?.code === 'invalid_type' && issue.message.includes('received undefined');
  throw new CloseoutError(
    'BadInput',
    `${field || name} ${missing ? 'is missing' : lowerFirst(issue?.message ?? 'is wrong')}.`,
    field,
  );
}

const lowerFirst = (message: string) => message.charAt(0).toLowerCase() + message.slice(1);

export const ticketPath = '/tmf-api/troubleTicket/v4/troubleTicket';

export function toTicket(
  report: Report,
  { contact, history }: ReportDetails,
  baseUrl: string,
): Record<string, unknown> {
  const { id, customerId, serviceProblemId, document } = report;
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
    resolutionDate: report.clearedAt,
    relatedParty:
      document['relatedParty'] ?? (customerId && [{ id: customerId, role: 'customer', '@referredType': 'Customer' }]),
    relatedEntity:
      document['relatedEntity'] ??
      (serviceProblemId && [{ id: serviceProblemId, role: 'serviceProblem', '@referredType': 'ServiceProblem' }]),
    relatedContactInformation: contactsOf(contact, document['relatedContactInformation']),
  };
}

function contactsOf(contact: Contact | undefined, others: unknown): unknown[] | undefined {
  const all = [
    ...(contact ? [{ role: 'reporterContact', ...contact }] : []),
    ...(Array.isArray(others) ? (others as unknown[]) : []),
  ];
  return all.length > 0 ? all : undefined;
}
