/** `/openapi.json`: what this gateway answers, for people and for generators of clients. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { parse } from 'yaml';
import { listedPhases } from '../contract/reports.js';
import { version } from '../setup/version.js';
import { officialDefinitions } from '../tmf621/official.js';
import { deskActions } from './desk/actions.js';

const file = fileURLToPath(new URL('./openapi.yaml', import.meta.url));

interface Described {
  info: object;
  paths: Record<string, unknown>;
  components: Record<string, object>;
}

const content = (schema: object) => ({ 'application/json': { schema } });

/** Parts that openapi.yaml refers to but does not contain: OpenAPI has no place for them, or they come from the code. */
const parts: Record<string, unknown> = {
  '#/components/x-content/ticket': content({ $ref: '#/components/schemas/TroubleTicket' }),
  '#/components/x-content/object': content({ type: 'object' }),
  '#/components/x-schema/action': { type: 'string', enum: deskActions },
  '#/components/x-schema/phase': { type: 'string', enum: listedPhases },
};

function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== 'object' || value === null) return value;
  const { $ref } = value as { $ref?: unknown };
  if (typeof $ref === 'string' && $ref in parts) return parts[$ref];
  if (typeof $ref === 'string') return { $ref: $ref.replace('#/definitions/', '#/components/schemas/') };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolved(inner)]));
}

export function apiDescription(publicUrl: string): object {
  const described = resolved(parse(readFileSync(file, 'utf8'))) as Described;
  return {
    ...described,
    info: { ...described.info, version },
    servers: [{ url: publicUrl }],
    components: { ...described.components, schemas: resolved(officialDefinitions) as object },
  };
}

export function openapi(app: FastifyInstance, publicUrl: string): void {
  const description = apiDescription(publicUrl);
  app.get('/openapi.json', () => description);
}
