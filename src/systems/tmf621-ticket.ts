/** A ticket of a TMF621 system, as v4 or v5 spells it. */
import { z } from 'zod';
import type { Contact } from '../contract/contact.js';
import type { Ticket } from './port.js';

/** Servers with numeric keys send numbers. */
export const anyId = z.union([z.string(), z.number()]).transform(String);
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
  role: z.string().nullish(),
  name: z.string().nullish(),
  emailAddress: z.string().nullish(),
  preferredLanguage: z.string().nullish(),
  timeZone: z.string().nullish(),
});
export const ticket = z.looseObject({
  id: anyId,
  name: z.string().nullish(),
  description: z.string().nullish(),
  severity: z.string().nullish(),
  ticketType: z.string().nullish(),
  status: z.string(),
  creationDate: z.string().nullish(),
  lastUpdate: z.string().nullish(),
  externalId: anyId.nullish(),
  externalIdentifier: z.array(z.looseObject({ id: anyId.nullish() })).nullish(),
  note: z.array(z.looseObject({ text: z.string().nullish() })).nullish(),
  relatedParty: z.array(party).nullish(),
  relatedEntity: z.array(entity).nullish(),
  relatedContactInformation: z.array(contact).nullish(),
});
export type TicketRow = z.infer<typeof ticket>;

/** ms since 1970; NaN if it says none, or one that nobody understands. */
export const timeOf = ({ lastUpdate }: TicketRow): number => Date.parse(lastUpdate ?? '');

export const referencesOf = ({ externalId, externalIdentifier }: TicketRow): (string | null | undefined)[] => [
  externalId,
  ...(externalIdentifier ?? []).map(({ id }) => id),
];

export function toTicket(found: TicketRow): Ticket {
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
