/** The attributes of a ticket by which a rule of the policy can match. Pure. */
import { texts, valuesAt } from '../contract/values.js';
import type { PolicyFacts } from './settings.js';

/** Attributes that a rule names as they are. Any other is named by its path in the ticket: `ticket.channel.name`. */
export const ruleAttributes = [
  'ticketType',
  'severity',
  'priority',
  'customerId',
  'serviceProblemId',
  'externalId',
  'name',
  'customerSegment',
] as const;
type RuleAttribute = (typeof ruleAttributes)[number];

/** Those that a run knows without reading the whole ticket. */
export const plainAttributes: readonly string[] = ['ticketType', 'severity', 'priority', 'customerId'];

export const isRuleAttribute = (name: string): boolean =>
  ruleAttributes.some((known) => known === name) || /^ticket(\.[\w@-]+)+$/.test(name);

/** Every value that a ticket has for an attribute: several if lists are on the way. */
export function attributeValues(report: PolicyFacts, name: string): string[] {
  if (name === 'customerSegment') return customerSegments(report);
  if (name.startsWith('ticket.')) return valuesAt(report.document, name.split('.').slice(1));
  return texts(report[name as Exclude<RuleAttribute, 'customerSegment'>]);
}

/** Attribute `segment` of the party with the role `customer`, or the characteristic `customerSegment`. */
function customerSegments({ document = {} }: PolicyFacts): string[] {
  const customers = objects(document['relatedParty']).filter(({ role }) => role === 'customer');
  const characteristics = objects(document['characteristic']).filter((given) => given['name'] === 'customerSegment');
  return [...customers.map(({ segment }) => segment), ...characteristics.map((given) => given['value'])].flatMap(texts);
}

const objects = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value)
    ? value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
    : [];
