/** What a ticket may look like, by the official document of TMF621 v4.0.0. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

// Not compiled, so it is read from src even when this runs from dist.
const file = fileURLToPath(new URL('../../src/tmf621/official.json', import.meta.url));
export const officialDefinitions = (JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, object> })
  .definitions;

const ajv = new Ajv({ strict: false, allErrors: false });
addFormats.default(ajv, ['date-time', 'uri', 'date']);
for (const name of ['base64', 'byte', 'float']) ajv.addFormat(name, true);
ajv.addSchema({ $id: 'tmf621', definitions: officialDefinitions });

const compiled = (name: string): ValidateFunction => ajv.compile({ $ref: `tmf621#/definitions/${name}` });
const validators = { creation: compiled('TroubleTicket_Create'), patch: compiled('TroubleTicket_Update') };

/** The first fault: the attribute's path, as `relatedParty[0].id`, and what is wrong. Attributes that the document does not name are allowed. */
export function officialFault(
  kind: keyof typeof validators,
  ticket: object,
): { field: string; reason: string } | undefined {
  const validate = validators[kind];
  if (validate(ticket)) return undefined;
  const [error] = validate.errors ?? [];
  return error && { field: fieldOf(error), reason: reasonOf(error) };
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
