/** The client's operations on events: listeners of the TMF621 hub, and deliveries. */
import { randomUUID } from 'node:crypto';
import type { ListenerStatus } from '../contract/events.js';
import { CloseoutError } from '../contract/errors.js';
import type { Events } from '../outside/events/events.js';

/** A listener of the TMF621 hub. `query`: which events it gets, as `eventType=TroubleTicketStatusChangeEvent&status=resolved`. */
export interface Subscription {
  id: string;
  callback: string;
  query?: string;
}

/** Those that the standard has an event for. */
const hubTypes = [
  'report.opened',
  'report.cleared',
  'report.closed',
  'report.reopened',
  'report.cancelled',
  'report.changed',
  'report.deleted',
];

export class EventService {
  constructor(private readonly events: Events) {}

  /** A listener that is known, as one that registers at each of its starts, keeps its id; if it was parked, it is tried again. */
  async subscribe(callback: string, query?: string): Promise<Subscription> {
    const listener = { name: randomUUID(), types: hubTypes, callback, query: query ?? null };
    return { id: await this.events.addHubListener(listener), callback, query };
  }

  /** Throws `NotFound`. */
  async unsubscribe(id: string): Promise<void> {
    if (!(await this.events.removeHubListener(id)))
      throw new CloseoutError('NotFound', `The hub has no listener ${id}.`, 'id');
  }

  /** Every listener, and what waits for it. */
  listeners(): Promise<ListenerStatus[]> {
    return this.events.status();
  }

  /** Delivers events since a time once more, to one listener or to all. Returns how many. Throws `NotFound`. */
  replay(since: string, listener?: string): Promise<number> {
    return this.events.replay(new Date(since), listener);
  }

  /** Tries a parked listener again. Throws `NotFound`. */
  resume(listener: string): Promise<void> {
    return this.events.resume(listener);
  }
}
