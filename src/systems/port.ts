/**
 * The port to an external ticket system. docs/adapters.md explains how to write an adapter; test/systems/conformance.ts proves one.
 * An adapter translates, and decides nothing: whether a change was made is found out by reading again (move.ts), how often the system
 * is asked by the HTTP client (http.ts), and what a change means by the report's workflow.
 */
import type { Contact } from '../contract/contact.js';
import type { SystemSettings } from '../setup/systems-file.js';
import type { Pace } from '../outside/system-states.js';

/** What an adapter is made of, with the status words of its settings. `pageSize`: how many rows to ask for at once. */
export type AdapterSettings = SystemSettings & { pace: Pace; pageSize: number };

/** A ticket as the system holds it. */
export interface Ticket {
  /** The system's own id, as text. */
  id: string;
  /** In the system's own word: `Resolved`, `open`, `inProgress`. */
  status: string;
  /** One line. */
  name: string;
  description?: string;
  /** In the system's own words; `minor` and `incident` if it has none. */
  severity?: string;
  ticketType?: string;
  customerId?: string;
  serviceProblemId?: string;
  contact?: Contact;
  openedAt?: Date;
}

/** A ticket to be opened. */
export interface NewTicket {
  name: string;
  description: string;
  /** Kept where the system has a place for them. */
  severity?: string;
  ticketType?: string;
  customerId?: string;
  serviceProblemId?: string;
  contact?: Contact;
  /** Unique: if the system has a ticket with it, that is the one. */
  reference: string;
}

/** A page of changes. */
export interface Changes {
  tickets: Ticket[];
  /** From where to go on next time; undefined: the next time is as the first. */
  cursor: string | undefined;
  /** There is more, from `cursor` on. */
  hasMore: boolean;
}

/**
 * One system. Every method throws `SystemUnavailable` if there is no usable answer (retried), `SystemMisconfigured` if the system
 * refuses us, and `SystemRefused` if it refuses what we ask for; `http.ts` does so. Ids are the system's own.
 */
export interface SystemOfRecord {
  /** Logs in, and looks for every status and field of the settings. Returns what is wrong, in words; throws if the login is refused. */
  check(): Promise<string[]>;
  /** Undefined: it was deleted or merged into another one, or is none of those that `only` names. */
  read(id: string): Promise<Ticket | undefined>;
  /**
   * What changed at or after a cursor, oldest first; without one, and on all pages that follow, what is open now. A cursor is the
   * adapter's own text, often the last ticket's time. May list a ticket twice, never leave one out that changed while pages were read:
   * page by the last row's key, never by number.
   */
  changedSince(cursor: string | undefined): Promise<Changes>;
  /** Every ticket that is not closed or cancelled. */
  listOpen(): Promise<Ticket[]>;
  /** Asks for a status. `note`: only if the system takes both or neither; it is looked for afterwards. Nothing has to be checked. */
  move(id: string, status: string, note: string): Promise<void>;
  /** The texts of our notes on a ticket; others may be among them. */
  notes(id: string): Promise<string[]>;
  /** Adds a note that the customer is not mailed. */
  addNote(id: string, text: string): Promise<void>;
  /** Returns the new ticket's id, or that of the one with the same reference. What a search finds is looked at: it may ignore its filter. */
  open(ticket: NewTicket): Promise<string>;
  /** The ids of the tickets that an event of the system is about. They are read again: nothing else of an event is trusted. */
  ticketsIn(event: unknown): string[];
}
