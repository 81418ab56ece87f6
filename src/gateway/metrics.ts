/**
 * `/metrics`, for Prometheus: reports, surveys and the last sweep, counted in the database at each scrape, so that every gateway
 * reports the same; and the metrics of a worker beside it.
 */
import type { FastifyInstance } from 'fastify';
import { Gauge, Registry } from 'prom-client';
import type { CloseoutClient } from '../client.js';
import type { Config } from '../setup/config.js';

export function metrics(app: FastifyInstance, { workerMetrics }: Config, client: CloseoutClient): void {
  app.get('/metrics', async (_request, reply) => {
    const registry = new Registry();
    await addReports(registry, client);
    await addSurveys(registry, client);
    await addSweep(registry, client);
    const own = await registry.metrics();
    return reply.type(registry.contentType).send(own + (await ofWorker(workerMetrics)));
  });
}

async function addReports(registry: Registry, { overview: { counts } }: CloseoutClient): Promise<void> {
  const registers = [registry];
  const reports = new Gauge({
    name: 'closeout_reports',
    help: 'Reports in the system of record, by status.',
    labelNames: ['status'],
    registers,
  });
  for (const { status, count } of await counts.reports()) reports.set({ status }, count);
  const cleared = new Gauge({
    name: 'closeout_reports_cleared',
    help: 'Cleared reports that are not yet closed: confirming (the customer was asked), or clearing_or_closing.',
    labelNames: ['phase'],
    registers,
  });
  const { confirming, clearingOrClosing } = await counts.cleared();
  cleared.set({ phase: 'confirming' }, confirming);
  cleared.set({ phase: 'clearing_or_closing' }, clearingOrClosing);
}

async function addSurveys(registry: Registry, { overview: { counts } }: CloseoutClient): Promise<void> {
  const registers = [registry];
  const surveys = new Gauge({
    name: 'closeout_surveys',
    help: 'Surveys by state; reason: why one was not sent or not delivered.',
    labelNames: ['state', 'reason'],
    registers,
  });
  const answers = new Gauge({
    name: 'closeout_survey_answers',
    help: 'Answers that count, by score and its scale.',
    labelNames: ['scale', 'score'],
    registers,
  });
  for (const { state, reason, scale, score, count } of await counts.surveys()) {
    surveys.inc({ state, reason: reason ?? '' }, count);
    if (state === 'answered' && score !== null) answers.inc({ scale, score }, count);
  }
  const confirmations = new Gauge({
    name: 'closeout_confirmations',
    help: 'Confirmations by what the customer replied before the closing; sent: nothing yet.',
    labelNames: ['state'],
    registers,
  });
  for (const { confirmation, count } of await counts.confirmations()) confirmations.set({ state: confirmation }, count);
}

async function addSweep(registry: Registry, client: CloseoutClient): Promise<void> {
  const last = await client.overview.lastSweep();
  if (!last) return;
  const registers = [registry];
  const add = (name: string, help: string, value: number) => new Gauge({ name, help, registers }).set(value);
  add('closeout_sweep_stuck', 'Reports whose runs do not follow, found by the last sweep.', last.stuck);
  add('closeout_sweep_failed', 'Runs that the last sweep could not wake.', last.failed);
  add('closeout_sweep_duration_seconds', 'Duration of the last sweep.', last.tookMs / 1000);
  add('closeout_sweep_timestamp_seconds', 'When the last sweep ended.', last.at.getTime() / 1000);
  const notified = new Gauge({
    name: 'closeout_sweep_notified',
    help: 'Runs that the last sweep woke, by the reason.',
    labelNames: ['change'],
    registers,
  });
  for (const [change, count] of Object.entries(last.notified)) notified.set({ change }, count);
}

/** Empty if the worker runs elsewhere, where it is scraped itself, or is just starting. */
async function ofWorker(address: string | undefined): Promise<string> {
  if (!address) return '';
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(1000) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
