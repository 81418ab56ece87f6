/** A ticket of a TMF621 system, as v4 or v5 spells it. */
import { z } from 'zod';
import type { Contact } from '../contract/contact.js';
import { anyId } from './http.js';
import type { Ticket } from './port.js';

/** What does not have the standard's form is left out, so that it hides no ticket. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().catch(undefined);
const party = z.looseObject({
  id: anyId.nullish(),
  role: z.string().nullish(),
  partyOrPartyRole: z.looseObject({ id: anyId.nullish() }).nullish(),
});
const entity = z.looseObject({
  id: anyId.nullish(),
  role: z.string().nullish(),
  entity: z.looseObject({ id: anyId.nullish() }).nullish(),
});
const contact = z.looseObject({
  role: optional(z.string()),
  name: optional(z.string()),
  emailAddress: optional(z.string()),
  preferredLanguage: optional(z.string()),
  timeZone: optional(z.string()),
});
/** As lists have it: a server may embed whole files in notes and attachments. */
export const listedTicket = z.looseObject({
  id: anyId,
  name: optional(z.string()),
  description: optional(z.string()),
  severity: optional(z.string()),
  ticketType: optional(z.string()),
  status: z.string(),
  creationDate: optional(z.string()),
  lastUpdate: optional(z.string()),
  externalId: optional(anyId),
  externalIdentifier: optional(z.array(z.looseObject({ id: anyId.nullish() }))),
  relatedParty: optional(z.array(party)),
  relatedEntity: optional(z.array(entity)),
  relatedContactInformation: optional(z.array(contact)),
});
/** All notes have to be understood, because a new one is sent along with them. */
export const ticket = listedTicket.extend({
  note: z.array(z.looseObject({ text: z.string().nullish() })).nullish(),
});
export type ListedTicket = z.infer<typeof listedTicket>;
export type TicketRow = z.infer<typeof ticket>;

/** ms since 1970; NaN if it says none, or one that nobody understands. */
export const timeOf = ({ lastUpdate }: ListedTicket): number => Date.parse(lastUpdate ?? '');

export const referencesOf = ({ externalId, externalIdentifier }: ListedTicket): (string | null | undefined)[] => [
  externalId,
  ...(externalIdentifier ?? []).map(({ id }) => id),
];

export function toTicket(found: ListedTicket): Ticket {
  const customer = found.relatedParty?.find(({ role }) => role === 'customer');
  const problem = found.relatedEntity?.find(({ role }) => role === 'serviceProblem');
  const reporter = found.relatedContactInformation?.find(({ role }) => role === 'reporterContact');
  return {
    id: found.id,
    status: found.status,
    name: found.name ?? found.description ?? found.id,
    description: found.description ?? undefined,
    severity: found.severity ?? undefined,
    ticketType: found.ticketType ?? undefined,
    customerId: customer?.id ?? customer?.partyOrPartyRole?.id ?? undefined,
    serviceProblemId: problem?.id ?? problem?.entity?.id ?? undefined,
    contact: reporter && toContact(reporter),
    openedAt: found.creationDate ? new Date(found.creationDate) : undefined,
  };
}

const toContact = ({ name, emailAddress, preferredLanguage, timeZone }: z.infer<typeof contact>): Contact => ({
  name: name ?? undefined,
  emailAddress: emailAddress ?? undefined,
  preferredLanguage: preferredLanguage ?? undefined,
  timeZone: timeZone ?? undefined,
});
