/** Drives a log of incidents through the public client: each report's changes in order, many reports at a time. */
import { setTimeout as pause } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { ConstantBackoff, handleWhen, retry } from 'cockatiel';
import Table from 'cli-table3';
import type { ChangeRequest, CloseoutClient, ReportedChange } from '../client.js';
import { now } from '../client/clock.js';
import { CloseoutError, errors, hasCode } from '../contract/errors.js';
import type { ChangeKind, RunStatus } from '../contract/reports.js';
import { stateOf } from '../policy/status.js';
import { readIncidents, type Incident } from './read.js';

export interface ReplaySummary {
  reports: number;
  opened: number;
  cleared: number;
  reopened: number;
  cancelled: number;
  closed: number;
  /** Closings that a hold-down delays, a customer has to confirm, or an operator to release: they are not waited for. */
  awaited: number;
  cycles: Record<string, number>;
  surveys: { sent: number; skipped: Record<string, number>; other: Record<string, number> };
  /** For the reports that this replay closed; null if there were none. */
  clearedToClosedMs: { p50: number; p95: number } | null;
  seconds: number;
}

/** Enough to keep two cores busy. */
const concurrency = 20;

/** A part that is down is waited for, for ten minutes. Every call is safe to repeat. */
const available = retry(
  handleWhen((error) => error instanceof CloseoutError && errors[error.code].retry),
  { maxAttempts: 600, backoff: new ConstantBackoff(1000) },
);
const patiently = <T>(call: () => Promise<T>): Promise<T> => available.execute(call);

export async function replay(client: CloseoutClient, file: string): Promise<ReplaySummary> {
  const incidents = await readIncidents(file);
  const startedAt = performance.now();
  const tally = { opened: 0, cleared: 0, reopened: 0, cancelled: 0, awaited: 0 };
  const waits: number[] = [];
  const bar = new SingleBar({
    format: 'replay [{bar}] {value}/{total} reports, {duration_formatted}',
    stream: process.stderr,
  });
  bar.start(incidents.length, 0);
  const queue = [...incidents];
  const work = async () => {
    let incident = queue.shift();
    while (incident) {
      await replayOne(client, incident, tally, waits);
      bar.increment();
      incident = queue.shift();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work)).finally(() => bar.stop());
  return {
    ...tally,
    ...(await patiently(() => results(client, incidents, waits))),
    seconds: (performance.now() - startedAt) / 1000,
  };
}

async function replayOne(
  client: CloseoutClient,
  { id, openedAt, changes, customerId, serviceProblemId, severity, category }: Incident,
  tally: Record<'opened' | 'awaited' | ChangeKind, number>,
  waits: number[],
): Promise<void> {
  const contact = customerId ? { name: customerId, emailAddress: `${slug(customerId)}@customers.example` } : undefined;
  try {
    const description = `${category}, from a log of incidents`;
    const about = { description, severity, ticketType: category, customerId, serviceProblemId, contact };
    await patiently(() => client.open({ id, ...about, openedAt, openedBy: 'replay' }));
    tally.opened++;
  } catch (error) {
    if (!hasCode(error, 'ReportExists')) throw error;
  }
  for (const { kind, at } of changes) {
    const before = await patiently(() => client.get(id));
    if (before.changedAt !== null && Date.parse(at) <= Date.parse(before.changedAt)) continue; // replayed before
    if (kind === 'cancelled' && before.status === 'closed') continue; // a closed report stays closed
    const reportedAt = now().getTime();
    await patiently(() => report(client, kind, id, { at, by: 'replay' }));
    if (kind !== 'cleared' || before.status !== 'closed') tally[kind]++;
    if (kind === 'reopened') await untilReopened(client, id, before.cycle);
    if (kind === 'cancelled') await untilDecided(client, id);
    if (kind !== 'cleared' || before.status === 'closed') continue;
    const closedAfter = await untilClosed(client, id, reportedAt);
    if (closedAfter === undefined) tally.awaited++;
    else {
      waits.push(closedAfter);
      await untilDecided(client, id);
    }
  }
}

function report(client: CloseoutClient, kind: ChangeKind, id: string, change: ChangeRequest): Promise<ReportedChange> {
  if (kind === 'cleared') return client.clear(id, change);
  return kind === 'reopened' ? client.reopen(id, change) : client.cancel(id, change);
}

/**
 * In the log there are days between changes. Here the next change must wait until this one has taken effect. Returns after how many ms;
 * undefined if that is up to somebody else.
 */
async function untilClosed(client: CloseoutClient, id: string, reportedAt: number): Promise<number | undefined> {
  for (let polls = 1; ; polls++) {
    const { closedAt } = await patiently(() => client.get(id));
    if (closedAt) return Math.max(0, Date.parse(closedAt) - reportedAt);
    if (polls % pollsPerLook === 0) {
      const status = await patiently(() => client.status(id));
      const { held, phase, confirmation, outcome } = status;
      const isAsked = phase === 'confirming' && confirmation === 'sent';
      if (held || isAsked || phase === 'needsAttention' || outcome === 'cancelled' || waitsLong(status))
        return undefined;
    }
    await pause(20);
  }
}

/** The policy delays the closing or the survey. */
const waitsLong = ({ until }: RunStatus): boolean => until !== undefined && Date.parse(until) - Date.now() > 10_000;

/** How often a report is read before its run is asked what it waits for: about once a second. */
const pollsPerLook = 50;

/** The same for a reopening: a clearing that comes with it would belong to the cycle before. */
async function untilReopened(client: CloseoutClient, id: string, cycle: number): Promise<void> {
  for (;;) {
    const report = await patiently(() => client.get(id));
    const state = stateOf(report.status);
    if (state === 'open' || state === 'cancelled' || report.cycle > cycle) return;
    await pause(20);
  }
}

async function results(client: CloseoutClient, incidents: Incident[], waits: number[]) {
  const cycles: Record<string, number> = {};
  const skipped: Record<string, number> = {};
  const other: Record<string, number> = {};
  let closed = 0;
  let sent = 0;
  for (const { id } of incidents) {
    const report = await client.get(id);
    if (report.status === 'closed') closed++;
    count(cycles, String(report.cycle));
    for (const { state, reason, sentAt } of await client.surveys.ofReport(id)) {
      if (sentAt) sent++;
      else if (state === 'skipped') count(skipped, reason ?? 'unknown');
      else count(other, state);
    }
  }
  waits.sort((a, b) => a - b);
  const at = (share: number) => waits[Math.ceil(waits.length * share) - 1] ?? 0;
  const clearedToClosedMs = waits.length > 0 ? { p50: at(0.5), p95: at(0.95) } : null;
  return { reports: incidents.length, closed, cycles, surveys: { sent, skipped, other }, clearedToClosedMs };
}

/** The survey is decided after the closing or cancelling. Neither its delay nor a relay that is down is waited for. */
async function untilDecided(client: CloseoutClient, id: string): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  const isUndecided = async () => (await client.surveys.currentOf(id)).state === 'none';
  for (let polls = 1; (await patiently(isUndecided)) && performance.now() < giveUpAt; polls++) {
    if (polls % pollsPerLook === 0 && waitsLong(await patiently(() => client.status(id)))) return;
    await pause(20);
  }
}

const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
const count = (tally: Record<string, number>, key: string) => void (tally[key] = (tally[key] ?? 0) + 1);

export function summaryTable(summary: ReplaySummary): string {
  const { surveys, clearedToClosedMs } = summary;
  const table = new Table({ style: { head: [], border: [] } });
  const named = (tally: Record<string, number>, prefix: string) =>
    Object.entries(tally).map(([key, n]): [string, number] => [`${prefix} ${key}`, n]);
  table.push(
    ['reports', summary.reports],
    ['opened', summary.opened],
    ['cleared', summary.cleared],
    ['reopened', summary.reopened],
    ['cancelled', summary.cancelled],
    ['closed', summary.closed],
    ['not waited for: hold-down, confirmation or release', summary.awaited],
    ...named(summary.cycles, 'reports in cycle'),
    ['surveys sent', surveys.sent],
    ...named(surveys.skipped, 'surveys skipped:'),
    ...named(surveys.other, 'surveys'),
    ['cleared to closed, p50', clearedToClosedMs ? `${clearedToClosedMs.p50} ms` : 'nothing closed'],
    ['cleared to closed, p95', clearedToClosedMs ? `${clearedToClosedMs.p95} ms` : 'nothing closed'],
    ['took', `${summary.seconds.toFixed(1)} s`],
  );
  return table.toString();
}
