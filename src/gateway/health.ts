/** `/healthz`: this process is alive. `/readyz`: it can serve; without Temporal or a worker, it still stores what customers say. */
import type { FastifyInstance } from 'fastify';
import type { CloseoutClient } from '../client.js';
import { sharedFor } from './shared-for.js';

export function health(app: FastifyInstance, client: CloseoutClient): void {
  // Anybody may ask, as often as they like.
  const verdicts = sharedFor(1000, () => client.overview.checks());
  app.get('/healthz', () => ({ status: 'ok' }));

  app.get('/readyz', async (_request, reply) => {
    const checks = await verdicts();
    const isReady = checks.database === 'ok';
    const isWhole = Object.values(checks).every((verdict) => verdict === 'ok');
    const status = isWhole ? 'ok' : isReady ? 'degraded' : 'not ready';
    return reply.code(isReady ? 200 : 503).send({ status, ...checks });
  });
}
