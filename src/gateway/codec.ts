/** `/codec/decode` and `/codec/encode`: the codec server that the Temporal UI and the `temporal` command use to read encrypted payloads. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';
import { CloseoutError } from '../contract/errors.js';
import { parseInput } from './parse.js';

type Payload = z.infer<typeof payloads>['payloads'][number];

const base64 = z.base64();
const payloads = z.looseObject({
  payloads: z
    .array(z.looseObject({ metadata: z.record(z.string(), base64).default({}), data: base64.default('') }))
    .max(1000),
});

export function codecServer(app: FastifyInstance, { temporal }: Config, client: CloseoutClient): void {
  if (temporal.payloadKeys.known.length === 0) return;
  const allowed = temporal.uiUrl === undefined ? undefined : new URL(temporal.uiUrl).origin;

  for (const verb of ['decode', 'encode'] as const) {
    const coded = async (payload: Payload, index: number) => {
      const [result] = await client.payloads[verb]([payload]).catch((error: unknown) => {
        const reason =
          error instanceof CloseoutError ? error.message : 'It was damaged, or encrypted with another key.';
        throw new CloseoutError('BadInput', `payloads[${index}] cannot be decrypted. ${reason}`, `payloads[${index}]`);
      });
      return result;
    };
    app.post(`/codec/${verb}`, { config: { fromTemporalUi: true, scope: 'operate' } }, async (request) => {
      const { payloads: given } = parseInput(payloads, request.body);
      return { payloads: await Promise.all(given.map(coded)) };
    });
  }

  // Browsers ask first, because the Temporal UI is another site.
  app.options('/codec/*', { config: { fromTemporalUi: true } }, (_request, reply) => reply.code(204).send());
  app.addHook('onSend', async (request, reply) => {
    if (!request.url.startsWith('/codec/') || allowed === undefined || request.headers.origin !== allowed) return;
    reply.header('access-control-allow-origin', allowed);
    reply.header('access-control-allow-credentials', 'true');
    reply.header('access-control-allow-methods', 'POST');
    reply.header('access-control-allow-headers', 'authorization, content-type, x-namespace');
    reply.header('vary', 'origin');
  });
}
