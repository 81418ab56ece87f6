/**
 * A TMF621 system, v4 or v5 (docs/systems.md). Quirks: transitions may need two steps; there are no ETags; counts may be missing;
 * v5 spells `externalIdentifier` and `statusChangeHistory`; events come to `/tmf-api/troubleTicket/v4/listener/…`.
 */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { reportStatuses } from '../contract/reports.js';
import { now } from '../outside/database/clock.js';
import { anyId, Http, parsed, type Answer } from './http.js';
import { OauthLogin } from './oauth.js';
import type { AdapterSettings, Changes, NewTicket, SystemOfRecord, Ticket } from './port.js';
import {
  listedTicket,
  referencesOf,
  ticket,
  timeOf,
  toTicket,
  type ListedTicket,
  type TicketRow,
} from './tmf621-ticket.js';
import { meansEnded, missingStatuses, type StatusWords } from './words.js';

export const tmf621Words: StatusWords = {
  cleared: ['resolved'],
  closed: 'closed',
  cancelled: ['cancelled', 'rejected'],
  reopened: 'inProgress',
};

/** Pages by number shift while tickets come and go; a page begins with that part of the one before. */
const overlap = 0.1;

/** `url`: up to `troubleTicket`, which is added. `only`: attributes by which tickets are filtered, here as well as there. */
export class Tmf621 implements SystemOfRecord {
  private readonly http: Http;
  private readonly only: Record<string, string>;
  private readonly pageSize: number;
  /** The server does not accept `fields`, although the standard has it. */
  private refusesFields = false;

  constructor(
    { url, token, oauth, only, pace, pageSize }: AdapterSettings,
    private readonly words: StatusWords,
  ) {
    const login = oauth && new OauthLogin(oauth);
    const headers = async (): Promise<Record<string, string>> => {
      const bearer = login ? await login.bearer() : token;
      return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    };
    this.http = new Http({ url, pace, headers, forgetLogin: login && (() => login.forget()) });
    this.only = only;
    this.pageSize = pageSize;
  }

  async check(): Promise<string[]> {
    await this.http.get('/troubleTicket?limit=1');
    return missingStatuses(this.words, reportStatuses);
  }

  async read(id: string): Promise<Ticket | undefined> {
    const found = await this.find(id);
    return found && toTicket(found);
  }

  /**
   * Filters by time are not part of the standard, so every ticket is listed, and what has not changed is skipped by its time. The cursor is
   * the newest time of the reading before: a ticket that changed while this one went on is not older than that.
   */
  async changedSince(cursor: string | undefined): Promise<Changes> {
    const [since, newest] = cursor === undefined ? [-Infinity, -Infinity] : cursor.split(' ').map(Number);
    const rows = await this.all();
    const changed = rows.filter((row) => !(timeOf(row) < (since ?? -Infinity)));
    // A time in the future would hide every change until then.
    const times = rows.map(timeOf).filter((time) => time <= now().getTime());
    const last = times.reduce((latest, time) => Math.max(latest, time), newest ?? -Infinity);
    return { tickets: changed.map(toTicket), cursor: `${newest} ${last}`, hasMore: false };
  }

  async listOpen(): Promise<Ticket[]> {
    return (await this.all()).map(toTicket).filter(({ status }) => !meansEnded(status, this.words));
  }

  async move(id: string, status: string, note: string): Promise<void> {
    const changes = { status, statusChangeReason: note.split('\n')[0] || undefined };
    const answer = await this.http.send('PATCH', ticketPath(id), changes, { accepts: [409] });
    if (answer.status === 409)
      throw new CloseoutError('SystemRefused', `The transition to ${status} is not allowed from the current status.`);
  }

  async notes(id: string): Promise<string[]> {
    const found = await this.find(id);
    return found?.note?.flatMap(({ text }) => text || []) ?? [];
  }

  /** A merge patch replaces lists, so the others are sent along. */
  async addNote(id: string, text: string): Promise<void> {
    const found = await this.find(id);
    if (!found) throw new CloseoutError('SystemRefused', `Ticket ${id} is gone.`);
    const own = { '@type': 'Note', author: 'closeout', date: now().toISOString(), text };
    await this.http.send('PATCH', ticketPath(id), { note: [...(found.note ?? []), own] });
  }

  async open({ name, description, severity, ticketType, reference, ...about }: NewTicket): Promise<string> {
    const { customerId, serviceProblemId, contact: reporter } = about;
    const before = (await this.all()).find((found) => referencesOf(found).includes(reference));
    if (before) return before.id;
    const { body } = await this.http.send('POST', '/troubleTicket', {
      '@type': this.only['@type'] ?? 'TroubleTicket',
      priority: this.only['priority'],
      name,
      description,
      severity: this.only['severity'] ?? severity ?? 'minor',
      ticketType: this.only['ticketType'] ?? ticketType ?? 'incident',
      externalId: reference,
      externalIdentifier: [{ id: reference, owner: 'closeout', externalIdentifierType: 'reference' }],
      relatedParty: customerId && [{ id: customerId, role: 'customer', '@referredType': 'Customer' }],
      relatedEntity: serviceProblemId && [
        { id: serviceProblemId, role: 'serviceProblem', '@referredType': 'ServiceProblem' },
      ],
      relatedContactInformation: reporter && [{ role: 'reporterContact', ...reporter, attributes: undefined }],
    });
    return parsed(ticket, body).id;
  }

  ticketsIn(event: unknown): string[] {
    const parsed = notification.safeParse(event);
    return parsed.success ? [parsed.data.event.troubleTicket.id] : [];
  }

  private async find(id: string): Promise<TicketRow | undefined> {
    const { status, body } = await this.http.get(ticketPath(id), { accepts: [404, 410] });
    if (status !== 200) {
      // A proxy without a route answers 404, too.
      parsed(z.array(listedTicket), (await this.http.get('/troubleTicket?limit=1', { accepts: [404, 410] })).body);
      return undefined;
    }
    const found = parsed(ticket, body);
    return this.isOurs(found) ? found : undefined;
  }

  private isOurs(found: ListedTicket): boolean {
    return Object.entries(this.only).every(([name, value]) => (found as Record<string, unknown>)[name] === value);
  }

  private async all(): Promise<ListedTicket[]> {
    const rows = new Map<string, ListedTicket>();
    const filter = Object.entries(this.only).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`);
    for (let offset = 0; ;) {
      const { body } = await this.page(`offset=${offset}&limit=${this.pageSize}${filter.join('')}`);
      const found = parsed(z.array(listedTicket), body);
      const isNew = found.some(({ id }) => !rows.has(id));
      // There may be 100,000 tickets, and a server may ignore `fields`.
      for (const row of found) rows.set(row.id, { ...row, note: undefined, attachment: undefined });
      // A server may allow smaller pages than that, or ignore the offset.
      if (!isNew) return [...rows.values()].filter((row) => this.isOurs(row));
      offset += Math.max(1, Math.floor(found.length * (1 - overlap)));
    }
  }

  private async page(query: string): Promise<Answer> {
    if (!this.refusesFields) {
      const fields = [...Object.keys(listedTicket.shape), ...Object.keys(this.only)];
      const answer = await this.http.get(`/troubleTicket?${query}&fields=${fields.join()}`, { accepts: [400] });
      if (answer.status !== 400) return answer;
      this.refusesFields = true;
    }
    return this.http.get(`/troubleTicket?${query}`);
  }
}

const notification = z.looseObject({ event: z.looseObject({ troubleTicket: z.looseObject({ id: anyId }) }) });
const ticketPath = (id: string): string => `/troubleTicket/${encodeURIComponent(id)}`;
