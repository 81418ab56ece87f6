/** TMF621 v4.0.0 trouble tickets on the wire: what is accepted, and what it means for a report. */
import { z } from 'zod';
import {
  emailAddressPattern,
  emailAddressRule,
  isTimeZone,
  languageTagPattern,
  languageTagRule,
  timeZoneRule,
  type Contact,
} from '../contract/contact.js';
import { CloseoutError } from '../contract/errors.js';
import { reportIdPattern, reportIdRule } from '../contract/ids.js';
import { reportStatuses, type NewReport, type ReportChanges, type ReportStatus } from '../contract/reports.js';
import { isOpen } from '../policy/status.js';
import { assertPast } from '../client/checks.js';
import { mergePatch } from '../tmf621/merge-patch.js';
import { assertOfficial } from '../tmf621/official.js';
import { parseInput } from './parse.js';

const text255 = z.string().min(1).max(255);
const longText = z.string().min(1).max(10_000);
/** Attributes that only the server sets (TMF621: not patchable). Clients may send them in a creation. */
const serverSet = ['href', 'creationDate', 'lastUpdate', 'statusChange', 'statusChangeDate'] as const;

const contact = z.looseObject({
  role: text255,
  name: z.string().max(255).nullish(),
  emailAddress: z.string().regex(emailAddressPattern, emailAddressRule).nullish(),
  preferredLanguage: z.string().regex(languageTagPattern, languageTagRule).nullish(),
  timeZone: z.string().refine(isTimeZone, { error: timeZoneRule }).nullish(),
});

const attributes = z.looseObject({
  description: longText,
  severity: text255,
  ticketType: text255,
  name: text255.nullish(),
  priority: text255.nullish(),
  externalId: text255.nullish(),
  status: z.enum(reportStatuses).optional(),
  statusChangeReason: z.string().max(1000).optional(),
  resolutionDate: z.string().nullish(),
  note: z.array(z.looseObject({ text: longText })).nullish(),
  relatedContactInformation: z.array(contact).nullish(),
  relatedParty: z.array(z.looseObject({ id: text255, '@referredType': text255, role: text255.nullish() })).nullish(),
  relatedEntity: z.array(z.looseObject({ id: text255, '@referredType': text255, role: text255 })).nullish(),
});

const creation = attributes.extend({ id: z.string().regex(reportIdPattern, reportIdRule).optional() });
const patch = attributes.partial();

type Patch = z.infer<typeof patch>;

const withoutNulls = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null)) as {
    [K in keyof T]: Exclude<T[K], null>;
  };

export function parseCreation(body: unknown): NewReport {
  const ticket = parseInput(creation, body);
  assertOfficial('creation', mergePatch({}, ticket));
  const { id, status = 'acknowledged', statusChangeReason: statusReason, description, severity, ticketType } = ticket;
  if (!isOpen(status)) {
    throw new CloseoutError(
      'BadInput',
      `status must be acknowledged, inProgress, pending or held when a ticket is created, not ${status}.`,
      'status',
    );
  }
  return { ...withoutNulls(toChanges(ticket)), id, description, severity, ticketType, status, statusReason };
}

export interface ParsedPatch {
  status?: ReportStatus;
  statusChangeReason?: string;
  /** ISO 8601: when the problem was resolved. */
  resolvedAt?: string;
  changes: ReportChanges;
}

/** Separates what the report's run acts on from all other changes. */
export function parsePatch(body: unknown): ParsedPatch {
  const ticket = parseInput(patch, body);
  if (ticket.note === null)
    throw new CloseoutError('BadInput', 'note cannot be removed: notes are append-only.', 'note');
  for (const name of ['id', ...serverSet]) {
    if (name in ticket) throw new CloseoutError('BadInput', `${name} cannot be patched: the server sets it.`, name);
  }
  // Objects are checked when they have been merged with those that are stored.
  assertOfficial('patch', Object.fromEntries(Object.entries(ticket).filter(([, value]) => replaces(value))));
  const { status, statusChangeReason, resolutionDate, ...others } = ticket;
  if (status !== 'resolved' || !resolutionDate)
    return { status, statusChangeReason, changes: toChanges({ ...others, resolutionDate }) };
  assertPast(resolutionDate, 'resolutionDate');
  return { status, statusChangeReason, resolvedAt: resolutionDate, changes: toChanges(others) };
}

/** Whether a merge patch replaces the stored value with this one. */
const replaces = (value: unknown): boolean => value !== null && (typeof value !== 'object' || Array.isArray(value));

/** Attributes with a column of their own, or set by the server. All others are stored as the report's document. */
const notDocument = new Set<string>([
  ...serverSet,
  'id',
  'status',
  'statusChangeReason',
  'relatedContactInformation',
  'description',
  'severity',
  'ticketType',
  'name',
  'priority',
  'externalId',
]);

/** A list replaces the stored one, so a contact or customer that it does not hold is removed (RFC 7396). */
function toChanges(ticket: Patch): ReportChanges {
  const { description, severity, ticketType, name, priority, externalId, relatedContactInformation } = ticket;
  const document = Object.fromEntries(Object.entries(ticket).filter(([attribute]) => !notDocument.has(attribute)));
  const changes: ReportChanges = { description, severity, ticketType, name, priority, externalId, document };
  if (relatedContactInformation !== undefined) {
    const contacts = relatedContactInformation ?? [];
    const reporter = contacts.find(({ role }) => role === 'reporterContact');
    const others = contacts.filter((other) => other !== reporter);
    changes.contact = reporter ? toContact(reporter) : null;
    document['relatedContactInformation'] = others.length > 0 ? others : null;
  }
  if (ticket.relatedParty !== undefined)
    changes.customerId = ticket.relatedParty?.find(({ role }) => role === 'customer')?.id ?? null;
  if (ticket.relatedEntity !== undefined)
    changes.serviceProblemId = ticket.relatedEntity?.find(({ role }) => role === 'serviceProblem')?.id ?? null;
  return changes;
}

function toContact(information: z.infer<typeof contact>): Contact {
  const { role: _, name, emailAddress, preferredLanguage, timeZone, ...attributes } = withoutNulls(information);
  const hasOthers = Object.keys(attributes).length > 0;
  return { name, emailAddress, preferredLanguage, timeZone, attributes: hasOthers ? attributes : undefined };
}
