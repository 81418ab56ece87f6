/** `/healthz`: this process lives. `/readyz`: database, Temporal and a worker answer, each named. */
import type { FastifyInstance } from 'fastify';
import type { CloseoutClient } from '../client.js';

export function health(app: FastifyInstance, client: CloseoutClient): void {
  app.get('/healthz', () => ({ status: 'ok' }));

  app.get('/readyz', async (_request, reply) => {
    const checks = await client.checks();
    const ready = Object.values(checks).every((word) => word === 'ok');
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'not ready', ...checks });
  });
}
