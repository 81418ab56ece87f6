/** `/surveys/{id}/delivered` and `/failed`: what became of a survey that another channel brings to the customer. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { parseInput } from './parse.js';

const failure = z.strictObject({
  reason: z
    .string()
    .regex(/^[\w.:-]{1,64}$/, 'must be a code of letters, digits, ".", ":", "_" and "-", at most 64')
    .optional(),
});

type SurveyRequest = { Params: { id: string } };

export function surveyDeliveries(app: FastifyInstance, client: CloseoutClient): void {
  app.post<SurveyRequest>('/surveys/:id/delivered', async ({ params: { id }, body }, reply) => {
    parseInput(z.strictObject({}), body ?? {});
    await client.surveys.delivered(id);
    return reply.code(202).send({ surveyId: id });
  });

  app.post<SurveyRequest>('/surveys/:id/failed', async ({ params: { id }, body }, reply) => {
    const { reason } = parseInput(failure, body ?? {});
    await client.surveys.notDelivered(id, reason);
    return reply.code(202).send({ surveyId: id });
  });
}
