/**
 * `/metrics`, for Prometheus: reports, surveys and the last sweep, counted in the database at each scrape, so that every gateway
 * says the same; and what a worker beside it says of itself and the SDK.
 */
import type { FastifyInstance } from 'fastify';
import { Gauge, Registry } from 'prom-client';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';

export function metrics(app: FastifyInstance, { workerMetrics }: Config, client: CloseoutClient): void {
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
    const reports = new Gauge({
      name: 'closeout_reports',
      help: 'Reports in the system of record, by status.',
      labelNames: ['status'],
      registers: [registry],
    });
    const cleared = new Gauge({
      name: 'closeout_reports_cleared',
      help: 'Reports that are cleared and not closed, by what they wait for: their customer to confirm, or the closing.',
      labelNames: ['waits_for'],
      registers: [registry],
    });
    const confirmations = new Gauge({
      name: 'closeout_confirmations',
      help: 'What customers said when they were asked before closing; sent: nothing yet.',
      labelNames: ['state'],
      registers: [registry],
    });
    for (const [waits_for, count] of Object.entries(await client.figures.clearedCounts()))
      cleared.set({ waits_for }, count);
    for (const { confirmation: state, count } of await client.figures.confirmationCounts())
      confirmations.set({ state }, count);
    for (const { status, count } of await client.figures.reportCounts()) reports.set({ status }, count);
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
    const own = await registry.metrics();
    return reply.type(registry.contentType).send(own + (await ofWorker(workerMetrics)));
  });
}

/** A worker elsewhere, or one that is just starting, is scraped by itself or next time. */
async function ofWorker(address: string | undefined): Promise<string> {
  if (!address) return '';
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(1000) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
