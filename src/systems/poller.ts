/**
 * Reads changes in external systems: those that the system lists, those that an event announces and, once an hour, every open ticket,
 * because no cursor, event or clock of a system is trusted. Every worker runs one; a claim in the database shares the systems among them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { loggedError } from '../contract/error-details.js';
import { CloseoutError, hasCode, isAboutSystem } from '../contract/errors.js';
import { now } from '../outside/database/clock.js';
import type { Observed, ObservedReports } from '../outside/reports/observed.js';
import type { SystemStates } from '../outside/system-states.js';
import type { ReportStore } from '../outside/reports/store.js';
import { ignoreUnavailable } from '../outside/temporal/calls.js';
import type { Runs } from '../outside/temporal/runs.js';
import type { ConnectedSystem } from './adapters.js';
import type { Ticket } from './port.js';
import { runInContext } from './http.js';
import type { Systems } from './systems.js';
import { meansEnded } from './words.js';

export interface PollerDeps {
  observed: ObservedReports;
  systemStates: SystemStates;
  reports: ReportStore;
  runs: Runs;
}

const idle = 500;
const hintsAtOnce = 50;
/** If this many tickets in a row cannot be read, the system counts as failing; those that are hidden from us do not count. */
const maxUnreadable = 3;

/** Runs until it is stopped. */
export async function pollSystems(
  outside: PollerDeps,
  systems: Systems,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  const loops = [...systems.all.values()].map(async (connected) => {
    while (!stop.aborted) {
      await pollOnce(outside, systems, connected, log, stop).catch((error: unknown) =>
        log.warn({ system: connected.name, ...loggedError(error) }, 'cannot poll the system'),
      );
      await pause(idle, undefined, { signal: stop }).catch(() => undefined);
    }
  });
  await Promise.all(loops);
}

/** Requests that are under way are aborted by `stop`, which says nothing about the system. */
async function pollOnce(
  outside: PollerDeps,
  systems: Systems,
  connected: ConnectedSystem,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  const { name, settings } = connected;
  const { systemStates } = outside;
  const poll = new Poll(outside, systems, connected, log, stop);
  await systemStates.whenDue(name, settings.poll, async (due) => {
    const read = async () => {
      const hinted: unknown = await poll.readHinted().catch((error: unknown) => error);
      if (due.isPollDue) await poll.readChanged(due.cursor);
      if (due.isCompareDue) await poll.compare();
      if (hinted) throw hinted as Error; // tickets that cannot be read hold up no other
      return 'read' as const;
    };
    return runInContext({ signal: stop }, read).catch((error: unknown) => {
      if (stop.aborted) return 'stopped';
      // Kept as the state of the system, which the next success clears.
      if (error instanceof CloseoutError) log.warn({ system: name, ...loggedError(error) }, 'cannot read the system');
      throw error;
    });
  });
}

class Poll {
  constructor(
    private readonly outside: PollerDeps,
    private readonly systems: Systems,
    private readonly connected: ConnectedSystem,
    private readonly log: Logger,
    private readonly stop: AbortSignal,
  ) {}

  /** One that cannot be read holds up no other. If several in a row cannot, it is the system that fails. */
  async readHinted(): Promise<void> {
    const { name } = this.connected;
    const { systemStates } = this.outside;
    let unreadable = 0;
    for (const hint of await systemStates.hints(name, hintsAtOnce)) {
      this.stop.throwIfAborted();
      try {
        await this.readOne(hint.ticketId);
        await systemStates.dropHint(name, hint);
        unreadable = 0;
      } catch (error) {
        this.stop.throwIfAborted();
        this.noteUnreadable(hint.ticketId, error);
        await systemStates.postponeHint(name, hint);
        if (isAboutSystem(error) && !hasCode(error, 'SystemRefused') && ++unreadable === maxUnreadable) throw error;
      }
    }
  }

  /** Each page is noted: one that cannot be read is where the next poll goes on. */
  async readChanged(since: string | undefined): Promise<void> {
    const { name, system } = this.connected;
    const { systemStates } = this.outside;
    for (let cursor = since; ;) {
      const at = now();
      const page = await system.changedSince(cursor);
      await this.observeAll(page.tickets, at);
      if (!page.hasMore) return systemStates.polled(name, page.cursor);
      ({ cursor } = page);
      await systemStates.reached(name, cursor);
      this.stop.throwIfAborted();
    }
  }

  /** Every open ticket, and every report of ours that is not among them. */
  async compare(): Promise<void> {
    const { name, system } = this.connected;
    const { observed, systemStates } = this.outside;
    const at = now();
    const open = await system.listOpen();
    await this.observeAll(open, at);
    const listed = new Set(open.map(({ id }) => id));
    const missing = (await observed.unfinished(name)).filter((id) => !listed.has(id));
    await systemStates.hint(name, missing);
    await systemStates.compared(name);
  }

  private async readOne(id: string): Promise<void> {
    const { name, system, settings } = this.connected;
    const at = now();
    const ticket = await system.read(id);
    if (ticket) return this.follow(await this.observe(ticket, at));
    await this.follow(await this.outside.observed.observeGone({ system: name, ticketId: id }, at, settings.poll));
  }

  /** Those that ended before they were seen have no report, and may be many. One that cannot be stored holds up no other. */
  private async observeAll(tickets: Ticket[], at: Date): Promise<void> {
    const { name, words } = this.connected;
    const hasEnded = ({ status }: Ticket) => meansEnded(status, words);
    const endedIds = tickets.filter(hasEnded).map(({ id }) => id);
    const known = await this.outside.observed.withReports(name, endedIds);
    for (const ticket of tickets) {
      if (hasEnded(ticket) && !known.has(ticket.id)) continue;
      this.stop.throwIfAborted();
      const seen = await this.observe(ticket, at).catch((error: unknown) => this.noteUnreadable(ticket.id, error));
      await this.follow(seen ?? undefined);
    }
  }

  private observe(ticket: Ticket, at: Date): Promise<Observed> {
    return this.outside.observed.observe(this.systems.observationOf(this.connected.name, ticket, at));
  }

  /** Throws what is not about this ticket alone. */
  private noteUnreadable(ticket: string, error: unknown): void {
    const reason = reasonOfOne(error);
    if (reason === undefined) throw error;
    this.log.warn({ system: this.connected.name, ticket, reason }, 'cannot read a ticket');
  }

  /** If Temporal is down, the sweep starts or wakes the run. */
  private async follow(seen: Observed | undefined): Promise<void> {
    if (seen?.outcome !== 'opened' && seen?.outcome !== 'changed') return;
    const { reports, runs } = this.outside;
    const report = await reports.get(seen.reportId);
    if (seen.outcome === 'opened') await runs.begin(report);
    else await runs.wake(report).catch(ignoreUnavailable);
  }
}

/** What is wrong with one ticket, never in a customer's words; undefined if the error is not about one ticket. */
function reasonOfOne(error: unknown): string | undefined {
  if (error instanceof CloseoutError)
    return isAboutSystem(error) || hasCode(error, 'ReportExists', 'BadInput') ? error.message : undefined;
  // PostgreSQL refuses a value: data exception, or integrity constraint violation.
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^2[23]/.test(code) ? `PostgreSQL refuses it (${code})` : undefined;
}
