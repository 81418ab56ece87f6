/** Drives recorded status histories through the public client: each report in its own order, many reports at once. */
import { setTimeout as pause } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import type { MassClearProgress } from '../contract/messages.js';
import type { ChangeKind } from '../contract/reports.js';
import { readHistories, type History } from './read.js';

export interface ReplaySummary {
  reports: number;
  opened: number;
  cleared: number;
  reopened: number;
  cancelled: number;
  closed: number;
  cycles: Record<string, number>;
  surveys: { sent: number; skipped: Record<string, number>; other: Record<string, number> };
  /** Of the reports that this replay closed; null when it closed none. */
  clearedToClosedMs: { p50: number; p95: number } | null;
  seconds: number;
}

/** Enough to keep two cores busy; a report's own changes never overtake each other. */
const atOnce = 20;

export async function replay(client: CloseoutClient, file: string): Promise<ReplaySummary> {
  const histories = await readHistories(file);
  const begun = Date.now();
  const tally = { opened: 0, cleared: 0, reopened: 0, cancelled: 0 };
  const waits: number[] = [];
  const bar = new SingleBar({
    format: 'replay [{bar}] {value}/{total} reports, {duration_formatted}',
    stream: process.stderr,
  });
  bar.start(histories.length, 0);
  const queue = [...histories];
  const work = async () => {
    for (let history = queue.shift(); history; history = queue.shift()) {
      await replayOne(client, history, tally, waits);
      bar.increment();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work)).finally(() => bar.stop());
  return { ...tally, ...(await results(client, histories, waits)), seconds: (Date.now() - begun) / 1000 };
}

async function replayOne(
  client: CloseoutClient,
  { id, openedAt, changes, customerId, serviceProblemId, severity, category }: History,
  tally: Record<'opened' | ChangeKind, number>,
  waits: number[],
): Promise<void> {
  const contact = customerId ? { name: customerId, emailAddress: `${slug(customerId)}@customers.example` } : undefined;
  try {
    const words = { description: `${category}, from a recorded history`, severity, ticketType: category };
    await client.open({ id, ...words, customerId, serviceProblemId, contact, openedAt });
    tally.opened++;
  } catch (error) {
    if (!(error instanceof CloseoutError && error.code === 'ReportExists')) throw error;
  }
  for (const { kind, at } of changes) {
    const before = await client.reports.get(id);
    if (before.changedAt !== null && Date.parse(at) <= Date.parse(before.changedAt)) continue; // replayed before
    const told = Date.now();
    if (kind === 'cleared') await client.clear(id, { at, by: 'replay' });
    else if (kind === 'reopened') await client.reopen(id, { at, by: 'replay' });
    else await client.cancel(id, { at, by: 'replay' });
    if (kind !== 'cleared' || before.status !== 'closed') tally[kind]++;
    if (kind === 'cancelled') await untilDecided(client, id);
    if (kind !== 'cleared' || before.status === 'closed') continue;
    waits.push(await untilClosed(client, id, told));
    await untilDecided(client, id);
  }
}

/** In the recorded history days lie between; here the next change may only come once this one took effect in full. */
async function untilClosed(client: CloseoutClient, id: string, told: number): Promise<number> {
  for (;;) {
    const { closedAt } = await client.reports.get(id);
    if (closedAt) return Math.max(0, Date.parse(closedAt) - told);
    await pause(20);
  }
}

/** With a bar, until it is done. */
export async function followMassClear(client: CloseoutClient, serviceProblemId: string): Promise<MassClearProgress> {
  const bar = new SingleBar({ format: 'clearing [{bar}] {value}/{total} reports', stream: process.stderr });
  bar.start(0, 0);
  try {
    for (;;) {
      const progress = await client.problemProgress(serviceProblemId);
      bar.setTotal(progress.cleared + progress.open);
      bar.update(progress.cleared);
      if (progress.done) return progress;
      await pause(500);
    }
  } finally {
    bar.stop();
  }
}

async function results(client: CloseoutClient, histories: History[], waits: number[]) {
  const cycles: Record<string, number> = {};
  const skipped: Record<string, number> = {};
  const other: Record<string, number> = {};
  let closed = 0;
  let sent = 0;
  for (const { id } of histories) {
    const report = await client.reports.get(id);
    if (report.status === 'closed') closed++;
    count(cycles, String(report.cycle));
    for (const { state, reason, sent_at } of await client.surveys.ofReport(id)) {
      if (sent_at) sent++;
      else if (state === 'skipped') count(skipped, reason ?? 'unknown');
      else count(other, state);
    }
  }
  waits.sort((a, b) => a - b);
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  const clearedToClosedMs = waits.length > 0 ? { p50: at(0.5), p95: at(0.95) } : null;
  return { reports: histories.length, closed, cycles, surveys: { sent, skipped, other }, clearedToClosedMs };
}

/** Whether to ask is decided after the closing or cancelling; a mail server that is down is not waited for. */
async function untilDecided(client: CloseoutClient, id: string): Promise<void> {
  const patience = Date.now() + 30_000;
  while ((await client.surveys.currentOf(id)).state === 'none' && Date.now() < patience) await pause(20);
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
