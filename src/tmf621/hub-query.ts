/** Filters of TMF630: `attribute=value`, with dots for nested attributes; of a list, any item. Several values are separated by commas. */
import { CloseoutError } from '../contract/errors.js';
import { valuesAt } from '../contract/values.js';
import { comparisonOf } from './list-query.js';

/** The events of TMF621 v4.0.0. */
const ticketEvents = [
  'TroubleTicketCreateEvent',
  'TroubleTicketDeleteEvent',
  'TroubleTicketStatusChangeEvent',
  'TroubleTicketResolvedEvent',
  'TroubleTicketAttributeValueChangeEvent',
  'TroubleTicketInformationRequiredEvent',
] as const;
export type TicketEvent = (typeof ticketEvents)[number];

/** Whether the object has one of the wanted values at the path. */
function hasValue(object: unknown, path: string, wanted: string): boolean {
  const values = valuesAt(object, path.split('.'));
  return wanted.split(',').some((value) => values.includes(value.trim()));
}

const isKnown = (object: unknown, path: string): boolean => valuesAt(object, path.split('.')).length > 0;

/** TMF630 `fields`: only these attributes; `id` and `href` always. */
export function pick(ticket: Record<string, unknown>, fields: string | undefined): Record<string, unknown> {
  if (!fields) return ticket;
  const wanted = new Set(['id', 'href', ...fields.split(',').map((field) => field.trim())]);
  return Object.fromEntries(Object.entries(ticket).filter(([name]) => wanted.has(name)));
}

/** The query of a hub's listener: by `eventType`, by attributes of the ticket, and `fields`. */
export function hubFilter(query: string | null): {
  accepts: (event: Record<string, unknown>) => boolean;
  fields: string | undefined;
} {
  const wanted = [...new URLSearchParams(query ?? '')];
  const fields = wanted.find(([name]) => name === 'fields')?.[1];
  const conditions = new Map<string, string[]>();
  for (const [name, value] of wanted)
    if (name !== 'fields') conditions.set(name, [...(conditions.get(name) ?? []), value]);
  return {
    fields,
    accepts: (event) =>
      [...conditions].every(([name, values]) => {
        const path = pathOf(name);
        // Only the id of a deleted ticket is left, and a listener that was sent the ticket must be told that it is gone.
        const isUnknown = event['eventType'] === 'TroubleTicketDeleteEvent' && !isKnown(event, path);
        return isUnknown || values.some((value) => hasValue(event, path, value));
      }),
  };
}

/** Of an event's attribute, or of one of its ticket, whichever way it is written. */
function pathOf(name: string): string {
  const own = name.replace(/^event\./, '');
  return ofEvents.has(own) ? own : `event.troubleTicket.${own.replace(/^troubleTicket\./, '')}`;
}

/** Throws `BadInput` for a query that no event can match: its listener would wait for ever. */
export function assertHubQuery(query: string): void {
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'fields') continue;
    const path = pathOf(name);
    if (path === 'eventType') assertEventTypes(value.split(','));
    if (ofEvents.has(path)) continue;
    const attribute = path.replace('event.troubleTicket.', '').replaceAll('-', '_'); // extensions may have hyphens
    const { operator } = comparisonOf(attribute);
    if (operator !== 'eq' || attribute.endsWith('.eq'))
      throw new CloseoutError('BadInput', `query must compare by "=", not by ".${operator}".`, 'query');
  }
}

function assertEventTypes(types: string[]): void {
  const unknown = types.find((type) => !ticketEvents.some((known) => known === type.trim()));
  if (unknown !== undefined)
    throw new CloseoutError(
      'BadInput',
      `eventType must be one of ${ticketEvents.join(', ')}, not "${unknown}".`,
      'query',
    );
}

/** Attributes that only events have. The priority and the description that are meant are those of the ticket. */
const ofEvents = new Set(['eventId', 'eventTime', 'eventType', 'timeOcurred', 'correlationId', 'domain', 'title']);
