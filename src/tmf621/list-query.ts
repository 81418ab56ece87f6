/** The filters of a list, by TMF630: several values of an attribute are alternatives, and operators have two spellings. */
import { CloseoutError } from '../contract/errors.js';
import { officialDefinitions } from './official.js';
import { ticketPath } from './ticket.js';

export type Filter = Record<string, string[]>;

const operators = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const;
export type Operator = (typeof operators)[number];

const comparison = new RegExp(`^(.+)\\.(${operators.join('|')})$`);
export const attributePath = /^@?[A-Za-z_][\w@]*(\.@?[A-Za-z_][\w@]*){0,9}$/;

/** Attribute, with an operator after a dot unless it is `eq`, to the values it is compared with. */
export function filterOf(query: Record<string, string | string[]>, baseUrl: string): Filter {
  const filter = new Map<string, string[]>();
  for (const [key, values] of Object.entries(query)) {
    const { name, given } = inOneSpelling(key, [values].flat());
    filter.set(name, [...(filter.get(name) ?? []), ...given]);
  }
  const hrefs = filter.get('href');
  if (hrefs) filter.set('id', idsOf(hrefs, baseUrl, filter.get('id')));
  filter.delete('href');
  return Object.fromEntries(filter);
}

/** `creationDate>2026-11-27` and `creationDate>=2026-11-27` arrive as the names `creationDate>2026-11-27` and `creationDate>`. */
function inOneSpelling(key: string, values: string[]): { name: string; given: string[] } {
  const [, name, sign, value = ''] = /^([^<>]+)([<>])(.*)$/s.exec(key) ?? [];
  if (!name) return { name: key.replace(/\.eq$/, ''), given: values };
  const operator = sign === '>' ? 'gt' : 'lt';
  return value === ''
    ? { name: `${name}.${operator}e`, given: values }
    : { name: `${name}.${operator}`, given: [value] };
}

/**
 * What a filter compares, and how. Throws `BadInput`: a filter by what no ticket can have would find nothing, and hide that it was
 * misspelled.
 */
export function comparisonOf(name: string): { path: string; operator: Operator } {
  const [, path = name, operator = 'eq'] = comparison.exec(name) ?? [];
  if (!attributePath.test(path))
    refuse(name, 'is not an attribute of a ticket; nested ones are named with dots, such as relatedParty.id');
  const steps = path.split('.');
  const end = steps.findIndex((_, index) => isScalar(steps.slice(0, index + 1)));
  if (end >= 0 && end < steps.length - 1)
    refuse(
      name,
      `is neither an attribute nor an operator of ${steps.slice(0, end + 1).join('.')}; the operators are ${operators.map((each) => `.${each}`).join(', ')}`,
    );
  return { path, operator: operator as Operator };
}

/** Whether the standard says that the attribute is a time. */
export const isTimeAttribute = (path: string): boolean => definitionAt(path.split('.'))?.format === 'date-time';

interface Definition {
  $ref?: string;
  type?: string;
  format?: string;
  items?: Definition;
  properties?: Record<string, Definition>;
}

/** Whether the standard says that the attribute has no attributes of its own. One that the standard does not name may have any. */
function isScalar(steps: string[]): boolean {
  const type = definitionAt(steps)?.type;
  return type !== undefined && type !== 'object';
}

function definitionAt(steps: string[]): Definition | undefined {
  let here = resolved({ $ref: '#/definitions/TroubleTicket' });
  for (const step of steps) here = resolved(here?.properties?.[step]);
  return here;
}

function resolved(definition: Definition | undefined): Definition | undefined {
  const name = definition?.$ref?.split('/').at(-1);
  if (name) return resolved((officialDefinitions as Record<string, Definition>)[name]);
  return definition?.type === 'array' ? resolved(definition.items) : definition;
}

/** The addresses of tickets, as their ids. */
function idsOf(hrefs: string[], baseUrl: string, wanted: string[] | undefined): string[] {
  const start = `${baseUrl}${ticketPath}/`;
  const ids = hrefs
    .flatMap((value) => value.split(','))
    .filter((href) => href.startsWith(start))
    .map((href) => href.slice(start.length));
  const both = wanted?.flatMap((value) => value.split(','));
  return ids.filter((id) => !both || both.includes(id));
}

function refuse(name: string, reason: string): never {
  throw new CloseoutError('BadInput', `${name} ${reason}.`, name);
}
