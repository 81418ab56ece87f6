import type { FastifyInstance } from 'fastify';

/** Aborted once the gateway ends. */
export function endingOf(app: FastifyInstance): AbortSignal {
  const ending = new AbortController();
  app.addHook('preClose', (done) => {
    ending.abort();
    done();
  });
  return ending.signal;
}
