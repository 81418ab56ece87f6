/**
 * Delivers events to listeners: at least once, in order per report, and for days. Every worker runs one; they share the work by
 * claiming events in the database. A listener that fails holds up only itself.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { now } from '../outside/database/clock.js';
import type { Delivery, Events, Failure } from '../outside/events/events.js';
import type { Listener } from '../outside/events/listeners.js';
import type { ObservedReports } from '../outside/reports/observed.js';
import type { TicketLeases } from '../outside/reports/ticket-leases.js';
import type { Answers } from '../outside/surveys/answers.js';
import type { ReportStore } from '../outside/reports/store.js';
import type { Runs } from '../outside/temporal/runs.js';
import { loggedError } from '../contract/error-details.js';
import { CloseoutError, isAboutSystem, undefinedIfNoReport } from '../contract/errors.js';
import type { Webhook } from '../setup/systems-file.js';
import { runInContext } from '../systems/http.js';
import type { Systems } from '../systems/systems.js';
import { writeAnswerBack } from '../systems/write-back.js';
import { hubFilter, pick } from '../tmf621/hub-query.js';
import { toTicket } from '../tmf621/ticket.js';
import { cloudEvent, hubEvent, hubEventTypes, signedHeaders, type LinkSettings } from './bodies.js';
import { post, type Reach } from './post.js';

export interface DispatcherDeps {
  events: Events;
  reports: ReportStore;
  runs: Runs;
  answers: Answers;
  observed: ObservedReports;
  ticketLeases: TicketLeases;
  systems: Systems;
}

export interface DispatcherSettings extends LinkSettings {
  webhooks: ReadonlyMap<string, Webhook>;
  /** Listeners on this machine are allowed. */
  allowLoopback: boolean;
}

/** Events that are sent to one listener at the same time, each about another report. */
const atOnce = 10;
const idle = 500;

/** Runs until it is stopped, and lets deliveries end. */
export async function dispatchEvents(
  outside: DispatcherDeps,
  settings: DispatcherSettings,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  const busy = new Map<string, Promise<void>>();
  while (!stop.aborted) {
    const listeners = await outside.events.active().catch((error: unknown) => {
      log.warn(loggedError(error), 'cannot read the listeners of events');
      return [];
    });
    // A webhook that only the file of another worker names is delivered by that worker.
    const isOurs = ({ kind, name }: Listener) => kind !== 'webhook' || settings.webhooks.has(name);
    for (const listener of listeners.filter(isOurs)) {
      if (busy.has(listener.name)) continue;
      const work = drain(outside, settings, listener, log, stop).finally(() => busy.delete(listener.name));
      busy.set(listener.name, work);
    }
    await pause(idle, undefined, { signal: stop }).catch(() => undefined);
  }
  await Promise.all(busy.values());
}

/** Sends until nothing is due, or something fails. */
async function drain(
  outside: DispatcherDeps,
  settings: DispatcherSettings,
  listener: Listener,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  try {
    while (!stop.aborted) {
      const claimed = await outside.events.claim(listener.name, atOnce);
      if (claimed.length === 0) return;
      const delivering = claimed.map((delivery) => deliver(outside, settings, listener, delivery, stop));
      await Promise.allSettled(delivering); // one that fails must not leave the others running
      if ((await Promise.all(delivering)).includes(false)) return;
    }
  } catch (error) {
    log.warn({ listener: listener.name, ...loggedError(error) }, 'cannot deliver events');
  }
}

/** Returns whether the listener took the event, or does not want it. */
async function deliver(
  outside: DispatcherDeps,
  settings: DispatcherSettings,
  listener: Listener,
  delivery: Delivery,
  stop: AbortSignal,
): Promise<boolean> {
  const { events, runs } = outside;
  const failure = await attempt(outside, settings, listener, delivery, stop);
  if (failure === 'notWanted') {
    await events.dropUnwanted(delivery);
    return true;
  }
  if (!failure) {
    await events.delivered(delivery);
    return true;
  }
  await events.failed(delivery, failure, (outcome, occasion) =>
    runs.alert({
      kind: 'listener',
      listener: listener.name,
      reason: failure.reason,
      givenUp: outcome === 'givenUp' ? delivery.reportId : undefined,
      occasion,
      at: now().toISOString(),
    }),
  );
  return false;
}

/** Nothing was sent, which says nothing about the listener. */
type NotWanted = 'notWanted';

async function attempt(
  outside: DispatcherDeps,
  settings: DispatcherSettings,
  listener: Listener,
  delivery: Delivery,
  stop: AbortSignal,
): Promise<Failure | NotWanted | undefined> {
  const { reports } = outside;
  const webhook = settings.webhooks.get(listener.name);
  try {
    if (listener.kind === 'system') return await writeBackAnswer(outside, listener, delivery, stop);
    if (listener.kind === 'hub') return await sendToHub(reports, settings, listener, delivery);
    if (!webhook) throw new Error(`${listener.name} is not ours`);
    const subject = await subjectOf(reports, delivery.reportId);
    const body = JSON.stringify(cloudEvent(delivery, subject, settings));
    const reach = { allowPrivate: webhook.allowPrivate, allowLoopback: settings.allowLoopback };
    const headers = signedHeaders(delivery.id, body, webhook.secret, now());
    return refusalOf(await post(webhook.url, body, headers, reach));
  } catch (error) {
    if (stop.aborted) throw error; // the claim ends, and another process delivers it
    if (error instanceof CloseoutError && !isAboutSystem(error)) throw error; // about us, not about the listener
    if (error instanceof CloseoutError)
      return { reason: error.message, ends: error.code === 'SystemRefused' ? 'givenUp' : undefined };
    return { reason: inWords(error as NodeJS.ErrnoException) };
  }
}

async function sendToHub(
  reports: ReportStore,
  settings: DispatcherSettings,
  { callback, query }: Listener,
  delivery: Delivery,
): Promise<Failure | NotWanted | undefined> {
  const { accepts, fields } = hubFilter(query);
  const ticket = await ticketOf(reports, delivery.reportId, settings.publicUrl);
  const reach: Reach = { allowPrivate: false, allowLoopback: settings.allowLoopback };
  let isWanted = false;
  for (const eventType of hubEventTypes(delivery)) {
    const event = hubEvent(delivery, eventType, ticket, settings.publicUrl);
    if (!accepts(event)) continue;
    isWanted = true;
    const { troubleTicket } = event['event'] as { troubleTicket: Record<string, unknown> };
    const body = JSON.stringify({ ...event, event: { troubleTicket: pick(troubleTicket, fields) } });
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const refusal = refusalOf(await post(callback ?? '', body, headers, reach));
    if (refusal) return refusal;
  }
  return isWanted ? undefined : 'notWanted';
}

/** Ignores events of reports that live elsewhere, and adds no note to a ticket that is gone. */
async function writeBackAnswer(
  { observed, answers, systems, ticketLeases }: DispatcherDeps,
  { name }: Listener,
  { reportId, cycle, surveyId, data }: Delivery,
  signal: AbortSignal,
): Promise<NotWanted | undefined> {
  const ticket = await observed.ticketOf(reportId);
  const revision = Number(data['revision']);
  if (!ticket || surveyId === null || `system:${ticket.system}` !== name) return 'notWanted';
  const answer = await answers.revision(surveyId, revision);
  if (!answer) return undefined;
  const { system } = systems.named(ticket.system);
  if (!(await runInContext({ signal }, () => system.read(ticket.ticketId)))) return undefined;
  const shown = { ...answer, reportId, cycle, revision };
  await ticketLeases.hold(reportId, undefined, (beforeWrite) =>
    writeAnswerBack(systems, ticket, shown, { signal, beforeWrite }),
  );
  return undefined;
}

function refusalOf(status: number): Failure | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 410) return { reason: 'it answered 410: it wants no more events', ends: 'parked' };
  if (status >= 300 && status < 400) return { reason: `it answered ${status}: redirects are not followed` };
  return { reason: `it answered ${status}` };
}

const inWords = ({ code, name, message }: NodeJS.ErrnoException): string => {
  if (code === 'PrivateAddress') return message;
  return name === 'AbortError' || name === 'TimeoutError'
    ? 'it did not answer within 10 s'
    : `it cannot be reached (${code ?? name})`;
};

async function subjectOf(reports: ReportStore, id: string) {
  const report = await reports.get(id).catch(undefinedIfNoReport);
  if (!report) return undefined;
  const { customerId, externalId, serviceProblemId } = report;
  return { customerId, externalId, serviceProblemId };
}

async function ticketOf(reports: ReportStore, id: string, publicUrl: string) {
  const report = await reports.get(id).catch(undefinedIfNoReport);
  const details = report && (await reports.detailsOf([id])).get(id);
  return report && toTicket(report, details ?? { history: [] }, publicUrl);
}
