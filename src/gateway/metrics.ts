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
    const last = await client.sweeps.last();
    if (last) {
      const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
      gauge('closeout_sweep_reports', 'Reports that the last sweep looked at.').set(last.reports);
      gauge('closeout_sweep_failed', 'Runs that the last sweep could not tell what they missed.').set(last.failed);
      gauge('closeout_sweep_duration_seconds', 'How long the last sweep took.').set(last.took_ms / 1000);
      gauge('closeout_sweep_timestamp_seconds', 'When the last sweep ended.').set(last.at.getTime() / 1000);
      const told = new Gauge({
        name: 'closeout_sweep_told',
        help: 'Runs told by the last sweep, by what they had missed.',
        labelNames: ['change'],
        registers: [registry],
      });
      for (const [change, count] of Object.entries(last.told)) told.set({ change }, count);
    }
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
