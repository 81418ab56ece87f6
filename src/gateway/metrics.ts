/**
 * `/metrics`, for Prometheus: reports, surveys, the last sweep, listeners and ticket systems, read from the database at each scrape, so
 * that every gateway reports the same; and the metrics of a worker beside it.
 */
import type { FastifyInstance } from 'fastify';
import { Gauge, Registry } from 'prom-client';
import type { CloseoutClient } from '../client.js';
import { now } from '../client/clock.js';
import type { Config } from '../setup/config.js';

export function metrics(app: FastifyInstance, { workerMetrics }: Config, client: CloseoutClient): void {
  app.get('/metrics', async (_request, reply) => {
    const registry = new Registry();
    await addReports(registry, client);
    await addSurveys(registry, client);
    await addSweep(registry, client);
    await addListeners(registry, client);
    await addSystems(registry, client);
    await addChecks(registry, client);
    const own = await registry.metrics();
    return reply.type(registry.contentType).send(own + (await ofWorker(workerMetrics)));
  });
}

const gauge = <Label extends string>(registry: Registry, name: string, help: string, ...labelNames: Label[]) =>
  new Gauge({ name, help, labelNames, registers: [registry] });

async function addReports(registry: Registry, { overview: { counts } }: CloseoutClient): Promise<void> {
  const reports = gauge(registry, 'closeout_reports', 'Reports in the system of record, by status.', 'status');
  for (const { status, count } of await counts.reports()) reports.set({ status }, count);
  const phases = gauge(
    registry,
    'closeout_reports_by_phase',
    'Reports by phase; clearing: cleared, and the customer was not asked to confirm; needsAttention: waiting for an operator, closed or not.',
    'phase',
  );
  const { open, clearing, confirming, needsAttention } = await counts.desk();
  for (const [phase, count] of Object.entries({ open, clearing, confirming, needsAttention }))
    phases.set({ phase }, count);
  gauge(
    registry,
    'closeout_oldest_clearing_seconds',
    'Seconds since Closeout learned that the oldest report in the phase clearing was cleared, those on hold left out; 0 if there is none.',
  ).set(await counts.oldestClearingSeconds());
  gauge(
    registry,
    'closeout_reports_stuck',
    'Reports whose runs do not respond to repeated wake-ups, and do not wait for an operator.',
  ).set(await counts.stuck());
}

async function addSurveys(registry: Registry, { overview: { counts } }: CloseoutClient): Promise<void> {
  const surveys = gauge(
    registry,
    'closeout_surveys',
    'Surveys by state; reason: why one was not sent or not delivered.',
    'state',
    'reason',
  );
  const answers = gauge(
    registry,
    'closeout_survey_answers',
    'Answers that count, by scale and score.',
    'scale',
    'score',
  );
  for (const { state, reason, scale, score, count } of await counts.surveys()) {
    surveys.inc({ state, reason: reason ?? '' }, count);
    if (state === 'answered' && score !== null) answers.inc({ scale, score }, count);
  }
  const confirmations = gauge(
    registry,
    'closeout_confirmations',
    'Confirmations by state; sent: the customer was asked and has not replied yet.',
    'state',
  );
  for (const { confirmation, count } of await counts.confirmations()) confirmations.set({ state: confirmation }, count);
}

async function addSweep(registry: Registry, client: CloseoutClient): Promise<void> {
  const last = await client.overview.lastSweep();
  const add = (name: string, help: string, value: number) => gauge(registry, name, help).set(value);
  add(
    'closeout_sweep_timestamp_seconds',
    'Time at which the last sweep ended; 0 if there was none.',
    (last?.at.getTime() ?? 0) / 1000,
  );
  if (!last) return;
  add('closeout_sweep_failed', 'Runs that the last sweep could not wake.', last.failed);
  add('closeout_sweep_duration_seconds', 'Duration of the last sweep.', last.tookMs / 1000);
  const notified = gauge(
    registry,
    'closeout_sweep_notified',
    'Runs that the last sweep woke, by what they had missed.',
    'change',
  );
  for (const [change, count] of Object.entries(last.notified)) notified.set({ change }, count);
}

async function addListeners(registry: Registry, { events }: CloseoutClient): Promise<void> {
  const waiting = gauge(registry, 'closeout_events_waiting', 'Events to be delivered, by listener.', 'listener');
  const parked = gauge(
    registry,
    'closeout_listener_parked',
    '1 if the listener is parked: nothing is sent to it until it is resumed.',
    'listener',
  );
  for (const { name: listener, waiting: count, parkedAt } of await events.listeners()) {
    waiting.set({ listener }, count);
    parked.set({ listener }, parkedAt === undefined ? 0 : 1);
  }
}

async function addSystems(registry: Registry, { systems }: CloseoutClient): Promise<void> {
  const failing = gauge(
    registry,
    'closeout_system_failing_seconds',
    'Seconds for which the ticket system could not be read; 0 if it can be read.',
    'system',
  );
  for (const { name: system, failingSince } of await systems.states())
    failing.set({ system }, failingSince ? (now().getTime() - failingSince.getTime()) / 1000 : 0);
}

/** As `/readyz` answers. The database is not among them: without it, there are no metrics. */
async function addChecks(registry: Registry, { overview }: CloseoutClient): Promise<void> {
  const reachable = gauge(
    registry,
    'closeout_part_ok',
    '1 if the part works (Temporal answers; a worker runs), else 0. Absent for the worker if Temporal does not answer.',
    'part',
  );
  const { temporal, worker } = await overview.checks();
  reachable.set({ part: 'temporal' }, temporal === 'ok' ? 1 : 0);
  if (temporal === 'ok') reachable.set({ part: 'worker' }, worker === 'ok' ? 1 : 0);
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
