/** `/metrics`: what surveys came to, for Prometheus. Counted in the database at each scrape, so every gateway says the same. */
import type { FastifyInstance } from 'fastify';
import { Gauge, Registry } from 'prom-client';
import type { CloseoutClient } from '../client.js';

export function metrics(app: FastifyInstance, client: CloseoutClient): void {
  app.get('/metrics', async (_request, reply) => {
    const registry = new Registry();
    const surveys = new Gauge({
      name: 'closeout_surveys',
      help: 'Surveys by what became of them; reason: why one was not sent or not delivered.',
      labelNames: ['state', 'reason'],
      registers: [registry],
    });
    const answers = new Gauge({
      name: 'closeout_survey_answers',
      help: 'Answers that count, by score.',
      labelNames: ['score'],
      registers: [registry],
    });
    for (const { state, reason, score, count } of await client.figures.counts()) {
      surveys.inc({ state, reason: reason ?? '' }, count);
      if (state === 'answered' && score) answers.inc({ score }, count);
    }
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
