/** What a worker does besides its activities: it delivers events, and looks for what happened in external systems. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { loggedError } from '../contract/error-details.js';
import { eventTypes } from '../contract/events.js';
import { dispatchEvents } from '../events/dispatcher.js';
import type { Stores } from '../outside/stores.js';
import type { Runs } from '../outside/temporal/runs.js';
import { heartbeatEvery, heartbeatRetry, type Workers } from '../outside/workers.js';
import type { WorkerConfig } from '../setup/config.js';
import type { SystemsFile } from '../setup/systems-file.js';
import { pollSystems } from '../systems/poller.js';
import type { Systems } from '../systems/systems.js';

export interface LoopParts {
  config: WorkerConfig;
  stores: Stores;
  runs: Runs;
  systems: Systems;
  file: SystemsFile;
  log: Logger;
}

/** Stores the listeners: the webhooks of the file, and its ticket systems, which are notified of customers' answers. Forgets other systems. */
export async function storeListeners({ stores, file }: Pick<LoopParts, 'stores' | 'file'>): Promise<void> {
  const webhooks = [...file.webhooks].map(([name, { events }]) => ({ name, types: events ?? [...eventTypes] }));
  const systems = [...file.systems].filter(([, { writeBack }]) => writeBack.answer);
  const answers = systems.map(([name]) => ({ name: `system:${name}`, types: ['survey.answered'] }));
  await stores.events.setListeners('webhook', webhooks);
  await stores.events.setListeners('system', answers);
  await stores.systemStates.clearFailuresExcept([...file.systems.keys()]);
}

/** Runs until it is stopped. */
export async function runLoops(
  { config, stores, runs, systems, file, log }: LoopParts,
  stop: AbortSignal,
): Promise<void> {
  const { publicUrl, trustLoopback } = config.http;
  const settings = { webhooks: file.webhooks, publicUrl, linkKeys: config.linkKeys, allowLoopback: trustLoopback };
  const outside = { ...stores, runs, systems };
  await Promise.all([dispatchEvents(outside, settings, log, stop), pollSystems(outside, systems, log, stop)]);
}

/** Sends heartbeats until the worker has ended. */
export async function sendHeartbeats(
  workers: Workers,
  { id, version }: { id: string; version: string },
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  const warn = (error: unknown) => log.warn(loggedError(error), 'cannot record the heartbeat');
  while (!stop.aborted) {
    let next = heartbeatEvery;
    await workers.beat(id, version).catch((error: unknown) => {
      next = heartbeatRetry;
      warn(error);
    });
    await pause(next, undefined, { signal: stop }).catch(() => undefined);
  }
  await workers.end(id).catch(warn);
}

/** A Temporal that was lost may start empty while workers run: what they need there is made again, about as often as there is a sweep. */
export async function keepPrepared(
  prepare: () => Promise<void>,
  everySeconds: number,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await pause(1000 * everySeconds, undefined, { signal: stop }).catch(() => undefined);
    if (!stop.aborted)
      await prepare().catch((error: unknown) => log.warn(loggedError(error), 'cannot prepare Temporal'));
  }
}
