/** What a ticket may look like, by the official document of TMF621 v4.0.0. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { CloseoutError } from '../contract/errors.js';

const file = fileURLToPath(new URL('./official.json', import.meta.url));
export const officialDefinitions = (JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, object> })
  .definitions;

const names = { creation: 'TroubleTicket_Create', patch: 'TroubleTicket_Update' };

// The document itself is valid: to check that takes as long as to compile a definition.
const ajv = new Ajv({ strict: false, allErrors: false, validateSchema: false });
addFormats.default(ajv, ['date-time', 'uri', 'date']);
for (const name of ['base64', 'byte', 'float']) ajv.addFormat(name, true);
ajv.addSchema({ $id: 'tmf621', definitions: officialDefinitions });

/** Compiled when it is first needed, because most commands need none. */
const validatorOf = (kind: keyof typeof names) =>
  ajv.getSchema(`tmf621#/definitions/${names[kind]}`) as ValidateFunction;

/**
 * Whatever this program does not read itself must still be what the standard says, because other programs read it. Attributes that the
 * standard does not name are allowed. Throws `BadInput` with the attribute's path, as `relatedParty[0].id`.
 */
export function assertOfficial(kind: keyof typeof names, ticket: object): void {
  const validate = validatorOf(kind);
  if (validate(ticket)) return;
  const [error] = validate.errors ?? [];
  if (!error) return;
  const field = fieldOf(error);
  throw new CloseoutError('BadInput', `${field} ${reasonOf(error)}.`, field);
}

function fieldOf({ instancePath, keyword, params }: ErrorObject): string {
  const missing = keyword === 'required' ? [String(params['missingProperty'])] : [];
  return [...instancePath.split('/').slice(1), ...missing]
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`))
    .join('');
}

function reasonOf({ keyword, params, message = 'is invalid' }: ErrorObject): string {
  if (keyword === 'required') return 'is missing';
  if (keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
  if (keyword === 'format')
    return `must be a ${String(params['format'])}${params['format'] === 'date-time' ? ', such as 2026-11-27T08:00:00Z' : ''}`;
  return message;
}
