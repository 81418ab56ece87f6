/**
 * Looks for what happened in external systems: what they say changed, what an event hints at, and once an hour every open ticket, because
 * no mark, event or clock of theirs is trusted. Every worker runs one; a claim in the database shares the systems among them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CloseoutError } from '../contract/errors.js';
import type { ObservedReports } from '../outside/reports/observed.js';
import type { SystemState, SystemStates } from '../outside/system-states.js';
import type { ReportsPort } from '../outside/reports/port.js';
import type { Runs } from '../outside/temporal/runs.js';
import { hour } from '../policy/time.js';
import type { ConnectedSystem } from './adapters.js';
import type { Ticket } from './port.js';
import { reportIdOfTicket, type Systems } from './systems.js';

export interface Outside {
  observed: ObservedReports;
  systemStates: SystemStates;
  reports: ReportsPort;
  runs: Runs;
}

const idle = 500;
const compareAfter = hour;
const hintsAtOnce = 50;

/** Runs until it is stopped. */
export async function pollSystems(outside: Outside, systems: Systems, log: Logger, stop: AbortSignal): Promise<void> {
  const loops = [...systems.all.values()].map(async (connected) => {
    while (!stop.aborted) {
      await pollOnce(outside, systems, connected).catch((error: unknown) =>
        log.warn({ system: connected.name, error: (error as Error).name }, 'cannot poll the system'),
      );
      await pause(idle, undefined, { signal: stop }).catch(() => undefined);
    }
  });
  await Promise.all(loops);
}

async function pollOnce(outside: Outside, systems: Systems, connected: ConnectedSystem): Promise<void> {
  const { name, settings } = connected;
  const { systemStates } = outside;
  const state = await systemStates.claim(name, settings.poll);
  if (!state) return;
  try {
    const poll = new Poll(outside, systems, connected, state);
    await poll.readHinted();
    const mark = poll.isDue() ? await poll.readChanged() : (state.mark ?? undefined);
    const compared = await poll.compare();
    await systemStates.read(name, mark, compared, poll.isDue());
  } catch (error) {
    // A code and our own words: what the system said may be about a customer.
    const reason =
      error instanceof CloseoutError ? `${error.code}: ${error.message}` : `Unexpected: ${(error as Error).name}`;
    await systemStates.failed(name, reason);
    if (!(error instanceof CloseoutError)) throw error;
  }
}

class Poll {
  private readonly startedAt = Date.now();

  constructor(
    private readonly outside: Outside,
    private readonly systems: Systems,
    private readonly connected: ConnectedSystem,
    private readonly state: SystemState,
  ) {}

  isDue(): boolean {
    const { polledAt } = this.state;
    return polledAt === null || this.startedAt - polledAt.getTime() >= this.connected.settings.poll;
  }

  async readHinted(): Promise<void> {
    const { name } = this.connected;
    const { systemStates } = this.outside;
    for (const hint of await systemStates.hints(name, hintsAtOnce)) {
      await this.readOne(hint.ticketId);
      await systemStates.dropHint(name, hint);
    }
  }

  /** Returns the mark from which the next poll asks. */
  async readChanged(): Promise<string | undefined> {
    const { name, system } = this.connected;
    let mark = this.state.mark ?? undefined;
    for (;;) {
      const at = new Date();
      const page = await system.changedSince(mark);
      await this.observeAll(page.tickets, at);
      ({ mark } = page);
      if (!page.hasMore) return mark;
      await this.outside.systemStates.renew(name);
    }
  }

  /** Every open ticket, and every report of ours that is not among them. Returns whether it was time for that. */
  async compare(): Promise<boolean> {
    const { name, system } = this.connected;
    const { comparedAt } = this.state;
    if (comparedAt !== null && this.startedAt - comparedAt.getTime() < compareAfter) return false;
    const at = new Date();
    const open = await system.listOpen();
    await this.observeAll(open, at);
    const listed = new Set(open.map(({ id }) => id));
    for (const id of await this.outside.observed.unfinished(name)) if (!listed.has(id)) await this.readOne(id);
    return true;
  }

  private async readOne(id: string): Promise<void> {
    const { name, system } = this.connected;
    const at = new Date();
    const ticket = await system.read(id);
    if (ticket) await this.observeAll([ticket], at);
    else
      await this.follow(
        reportIdOfTicket(name, id),
        await this.outside.observed.observeGone(reportIdOfTicket(name, id), at),
      );
    await this.outside.systemStates.renew(name);
  }

  private async observeAll(tickets: Ticket[], at: Date): Promise<void> {
    for (const ticket of tickets) {
      const observation = this.systems.observationOf(this.connected.name, ticket, at);
      await this.follow(observation.reportId, await this.outside.observed.observe(observation));
    }
  }

  /** If Temporal is down, the watch starts or wakes the run. */
  private async follow(reportId: string, seen: 'opened' | 'changed' | 'same'): Promise<void> {
    if (seen === 'same') return;
    const { reports, runs } = this.outside;
    const report = await reports.get(reportId);
    if (seen === 'opened') await runs.begin(report);
    else await runs.wake(report).catch(ignoreUnavailable);
  }
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof CloseoutError) || error.code !== 'TemporalUnavailable') throw error;
}
