/** `/healthz`: this process is alive. `/readyz`: the database, Temporal and a worker answer. */
import type { FastifyInstance } from 'fastify';
import type { CloseoutClient } from '../client.js';

export function health(app: FastifyInstance, client: CloseoutClient): void {
  app.get('/healthz', () => ({ status: 'ok' }));

  app.get('/readyz', async (_request, reply) => {
    const checks = await client.overview.checks();
    const isReady = Object.values(checks).every((verdict) => verdict === 'ok');
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'not ready', ...checks });
  });
}
