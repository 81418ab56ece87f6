/** `POST /service-problems/{id}/clear` clears every report of a common fault; `GET /service-problems/{id}` shows its progress. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { unverified } from '../contract/access.js';
import { maxAuthorLength } from '../contract/text.js';
import { parseInput } from './parse.js';

/** What is added to the name counts, too. */
const maxTypedLength = maxAuthorLength - unverified('').length;

const clearing = z.strictObject({
  at: z.string().optional(),
  by: z.string().min(1).max(maxTypedLength).transform(unverified).optional(),
  perSecond: z.int().optional(),
});

export function serviceProblems(app: FastifyInstance, client: CloseoutClient): void {
  app.post<{ Params: { id: string } }>(
    '/service-problems/:id/clear',
    async ({ params: { id }, body, subject }, reply) => {
      const { by, ...request } = parseInput(clearing, body ?? {});
      await client.serviceProblems.clear({ serviceProblemId: id, ...request, by: subject?.name ?? by });
      return reply
        .code(202)
        .header('location', `/service-problems/${encodeURIComponent(id)}`)
        .send({ serviceProblemId: id });
    },
  );

  app.get<{ Params: { id: string } }>('/service-problems/:id', ({ params: { id } }) =>
    client.serviceProblems.progress(id),
  );
}
