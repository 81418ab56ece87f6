/** The external systems of CLOSEOUT_SYSTEMS, and what Closeout does in them for a report. */
import { createHash, createHmac } from 'node:crypto';
import type { Contact } from '../contract/contact.js';
import { emailAddressPattern, isTimeZone, languageTagPattern } from '../contract/contact.js';
import { CloseoutError } from '../contract/errors.js';
import { fnv1a, reportIdPattern } from '../contract/ids.js';
import { storable } from '../contract/text.js';
import { now } from '../outside/database/clock.js';
import type { KnownTicket, Observation } from '../outside/reports/observed.js';
import type { Pace } from '../outside/system-states.js';
import { stateOf, statusOfState } from '../policy/status.js';
import { whyNoTicketCanBeOpened, type SystemSettings } from '../setup/systems-file.js';
import { connectSystem, type ConnectedSystem } from './adapters.js';
import { runInContext, type RequestContext } from './http.js';
import { moveTicket, noteOnce, type Move, type Moved } from './move.js';
import type { NewTicket, Ticket } from './port.js';
import { stateOfWord } from './words.js';

export class Systems {
  readonly all: ReadonlyMap<string, ConnectedSystem>;

  /** `markerKey` signs the markers of our notes, so that nobody else can write one. */
  constructor(
    settings: ReadonlyMap<string, SystemSettings>,
    paceOf: (system: string, perSecond: number) => Pace,
    private readonly markerKey: Buffer,
  ) {
    const connect = ([name, each]: [string, SystemSettings]): [string, ConnectedSystem] => [
      name,
      connectSystem(name, each, { pace: paceOf(name, each.rate) }),
    ];
    this.all = new Map([...settings].map(connect));
  }

  /** Throws `SystemMisconfigured` for a system that is not in the file. */
  named(name: string): ConnectedSystem {
    const found = this.all.get(name);
    if (found) return found;
    throw new CloseoutError(
      'SystemMisconfigured',
      `CLOSEOUT_SYSTEMS has no system ${name}; add it, and restart the workers.`,
    );
  }

  /** Safe to repeat. */
  move(
    { system: name, ticketId, observed }: KnownTicket,
    { note, marker, to }: Omit<Move, 'from'>,
    context: RequestContext,
  ): Promise<Moved> {
    const { system, words, settings } = this.named(name);
    const shown = settings.writeBack.closing ? note : undefined;
    const move = { to, marker: this.signed(marker), note: shown, from: stateOf(observed) };
    return runInContext(context, () => moveTicket(system, words, ticketId, move));
  }

  /** What was read of a ticket, as the ledger keeps it. */
  observationOf(name: string, ticket: Ticket, at: Date): Observation {
    const { words } = this.named(name);
    const { id, severity = 'minor', ticketType = 'incident', customerId, serviceProblemId, openedAt } = ticket;
    return {
      reportIds: [reportIdOfTicket(name, ticket.id), hashedIdOfTicket(name, ticket.id)],
      system: name,
      ticketId: id,
      status: statusOfState[stateOfWord(ticket.status, words)],
      at,
      attributes: {
        name: clean(ticket.name),
        description: clean(ticket.description ?? ticket.name, 10_000) || clean(ticket.name),
        severity: clean(severity),
        ticketType: clean(ticketType),
        customerId: customerId && clean(customerId),
        serviceProblemId: serviceProblemId && clean(serviceProblemId),
      },
      contact: contactOf(ticket.contact),
      // A time that cannot be parsed is ignored.
      openedAt: openedAt && !Number.isNaN(openedAt.getTime()) ? openedAt : undefined,
    };
  }

  /** Opens a ticket, or finds the one with the same reference, and returns it. */
  async open(name: string, ticket: NewTicket, context: RequestContext): Promise<{ ticket: Ticket; at: Date }> {
    const { system, settings } = this.named(name);
    const reason = whyNoTicketCanBeOpened(settings);
    if (reason) throw new CloseoutError('SystemMisconfigured', `CLOSEOUT_SYSTEMS: systems.${name}: ${reason}.`);
    const id = await runInContext(context, () => system.open(ticket));
    const at = now();
    const opened = await system.read(id);
    if (!opened) throw new CloseoutError('SystemUnavailable', `Ticket ${id} was opened, but cannot be read.`);
    return { ticket: opened, at };
  }

  /** Safe to repeat: a note with the same marker is added once. */
  async addNote(
    { system: name, ticketId }: KnownTicket,
    marker: string,
    text: string,
    context: RequestContext,
  ): Promise<void> {
    const { system } = this.named(name);
    await runInContext(context, () => noteOnce(system, ticketId, this.signed(marker), text));
  }

  private signed(marker: string): string {
    return `${marker}:${createHmac('sha256', this.markerKey).update(marker).digest('base64url').slice(0, 12)}`;
  }
}

/** `{system}-{ticket id}`; an id that cannot be part of a URL is shortened, and told apart by its hash. */
export function reportIdOfTicket(system: string, ticketId: string): string {
  const id = `${system}-${ticketId}`;
  if (reportIdPattern.test(id)) return id;
  const plain = ticketId.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, 20);
  return `${system}-${plain}-${fnv1a(ticketId).toString(36)}`;
}

/** For a ticket whose usual id is taken by another report. */
function hashedIdOfTicket(system: string, ticketId: string): string {
  const hash = createHash('sha256').update(`${system}\n${ticketId}`).digest('hex');
  return `${system}-${hash.slice(0, 20)}`;
}

const clean = (text: string, most = 255): string => storable(text.trim().slice(0, most)).trim();

/** Leaves out an invalid address, and a language or time zone that does not exist. */
function contactOf(contact: Contact | undefined): Contact | undefined {
  if (!contact) return undefined;
  const { name } = contact;
  const emailAddress = contact.emailAddress?.trim();
  const preferredLanguage = contact.preferredLanguage?.trim();
  const timeZone = contact.timeZone?.trim();
  const isAddress = emailAddress !== undefined && emailAddressPattern.test(emailAddress);
  return {
    name: name && clean(name),
    emailAddress: isAddress ? emailAddress : undefined,
    preferredLanguage: preferredLanguage && languageTagPattern.test(preferredLanguage) ? preferredLanguage : undefined,
    timeZone: timeZone && isTimeZone(timeZone) ? timeZone : undefined,
  };
}
