/**
 * Request Tracker 5, REST 2 (docs/systems.md). Quirks: a refused change is answered with 200 and a sentence; times in
 * queries are read in the user's time zone; deleted and merged tickets vanish from searches; a merged one is answered with the other.
 */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { anyId, hidden, Http, parsed } from './http.js';
import { isFirstPoll, pageOfPoll, secondAfter } from './pages.js';
import type { AdapterSettings, Changes, NewTicket, SystemOfRecord, Ticket } from './port.js';
import { titleWith } from './title.js';
import type { StatusWords } from './words.js';

export const requestTrackerWords: StatusWords = {
  cleared: ['resolved'],
  closed: 'closed',
  cancelled: ['rejected'],
  reopened: 'open',
};

/** A longer one is cut off. */
const maxSubjectLength = 200;
const notUtc = 'The time zone of the user must be UTC.';
/** Of our notes. */
const noteSubject = 'Closeout';
const row = z.looseObject({
  id: anyId,
  Subject: z.string(),
  Status: z.string(),
  Created: z.string(),
  LastUpdated: z.string(),
  Requestor: z.array(z.looseObject({ EmailAddress: z.string().nullish(), Name: z.string().nullish() })).catch([]),
  CustomFields: z.array(z.looseObject({ name: z.string(), values: z.array(z.unknown()) })).catch([]),
  Priority: z.union([z.string(), z.number()]).nullish(),
});
type Row = z.infer<typeof row>;
const list = z.looseObject({ items: z.array(row) });
const attachments = z.looseObject({ items: z.array(z.looseObject({ id: anyId, Subject: z.string().nullish() })) });
const attachment = z.looseObject({ Content: z.string().nullish() });
const single = z.looseObject({ id: anyId, Status: z.string() });

const fields =
  '&fields=Subject,Status,Created,LastUpdated,Requestor,CustomFields,Priority&fields[Requestor]=EmailAddress,Name';

/**
 * `url`: up to `/REST/2.0`. `token`: a token, or `user:password`. `only.queue`: name of the queue. `fields`: names of custom fields
 * (systems-file.ts).
 */
export class RequestTracker implements SystemOfRecord {
  private readonly http: Http;
  private readonly fields: Record<string, string>;
  private readonly queue: string | null;
  private readonly pageSize: number;

  constructor(
    { url, token = '', only, fields: names, pace, pageSize }: AdapterSettings,
    private readonly words: StatusWords,
  ) {
    const login = token.includes(':') ? `Basic ${Buffer.from(token).toString('base64')}` : `token ${token}`;
    this.http = new Http({ url, pace, headers: () => ({ authorization: login }) });
    this.fields = names;
    this.queue = only['queue'] ?? null;
    this.pageSize = pageSize;
  }

  /** Statuses cannot be listed; a wrong one shows only when a ticket is moved to it. */
  async check(): Promise<string[]> {
    await this.http.get('/rt');
    const faults: string[] = [];
    if (this.queue !== null) {
      const { status } = await this.http.get(`/queue/${encodeURIComponent(this.queue)}`, { accepts: [403, 404] });
      if (status === 404) faults.push(`There is no queue ${this.queue}.`);
      if (status === 403) faults.push(`The right SeeQueue is missing for the queue ${this.queue}.`);
    }
    const newest = await this.newest();
    const since = newest && (await this.search(`LastUpdated >= '${toQueryTime(newest.LastUpdated)}'`, '&per_page=1'));
    const later = newest && (await this.search(`LastUpdated > '${toQueryTime(newest.LastUpdated)}'`, '&per_page=1'));
    if (newest && (since?.length === 0 || later?.length !== 0)) faults.push(notUtc);
    const known = newest?.CustomFields.map(({ name }) => name) ?? [];
    for (const name of Object.values(this.fields))
      if (newest && !known.includes(name))
        faults.push(`Tickets have no custom field ${name}, or the user may not see it.`);
    return faults;
  }

  /** A ticket that a search does not find may be hidden from us, which is not the same as gone. */
  async read(ticketId: string): Promise<Ticket | undefined> {
    if (!/^\d+$/.test(ticketId)) return undefined;
    const [found] = await this.search(`id = ${ticketId}`, '');
    if (found) return this.toTicket(found);
    const { status, body } = await this.http.get(`/ticket/${ticketId}`, { accepts: [403, 404] });
    if (status === 404) return undefined;
    if (status === 403) throw hidden(ticketId);
    const { id: answered, Status } = parsed(single, body);
    if (answered !== ticketId || Status === 'deleted') return undefined;
    const [elsewhere] = await this.search(`id = ${ticketId}`, '', null);
    if (elsewhere) return undefined;
    throw new CloseoutError(
      'SystemUnavailable',
      `Ticket ${ticketId} exists, but searches do not find it; check the rights of the user.`,
    );
  }

  async changedSince(cursor: string | undefined): Promise<Changes> {
    const since = (time: string) => `LastUpdated >= '${toQueryTime(time)}'`;
    const isWanted = (query: string) => (isFirstPoll(cursor) ? `${this.notEnded()} AND ${query}` : query);
    const { rows, ...page } = await pageOfPoll<Row>(cursor, {
      pageSize: this.pageSize,
      timeOf: (found) => found.LastUpdated,
      idOf: (found) => Number(found.id),
      from: async (time) => {
        const query = time === undefined ? this.notEnded() : isWanted(since(time));
        const found = await this.search(query, '&orderby=LastUpdated&orderby=id');
        if (found.length === 0 && time !== undefined && !isFirstPoll(cursor)) await this.assertNothingSince(time);
        return found;
      },
      inSecond: (time, id) =>
        this.search(
          isWanted(`${since(time)} AND LastUpdated < '${toQueryTime(secondAfter(time))}' AND id > ${id}`),
          '&orderby=id',
        ),
    });
    return { ...page, tickets: rows.map((found) => this.toTicket(found)) };
  }

  /** The ticket whose time it is should be listed. A user whose time zone is behind UTC finds no change for hours. */
  private async assertNothingSince(time: string): Promise<void> {
    const newest = await this.newest();
    if (newest && Date.parse(newest.LastUpdated) >= Date.parse(time))
      throw new CloseoutError('SystemMisconfigured', `Searches do not find what changed since ${time}. ${notUtc}`);
  }

  private async newest(): Promise<Row | undefined> {
    const [found] = await this.search('id > 0', '&orderby=LastUpdated&order=DESC&per_page=1');
    return found;
  }

  async listOpen(): Promise<Ticket[]> {
    const rows = new Map<string, Row>();
    for (let after = 0; ;) {
      const found = await this.search(`${this.notEnded()} AND id > ${after}`, '&orderby=id');
      for (const each of found) rows.set(each.id, each);
      if (found.length < this.pageSize) return [...rows.values()].map((each) => this.toTicket(each));
      after = Number(found.at(-1)?.id);
    }
  }

  /** Its answer is a sentence in the user's language, whether it made the change or not. */
  async move(ticketId: string, status: string): Promise<void> {
    await this.http.send('PUT', `/ticket/${ticketId}`, { Status: status });
  }

  /** Only ours are read: what customers attach, such as photos, may be longer than an answer may be. */
  async notes(ticketId: string): Promise<string[]> {
    const texts: string[] = [];
    for (let number = 1; ; number++) {
      const path = `/ticket/${ticketId}/attachments?per_page=${this.pageSize}&page=${number}&fields=Subject`;
      const { items } = parsed(attachments, (await this.http.get(path)).body);
      for (const { id, Subject } of items) if (Subject === noteSubject) texts.push(await this.noteText(id));
      // A page may be short because some of it is hidden from us.
      if (items.length === 0) return texts;
    }
  }

  private async noteText(attachmentId: string): Promise<string> {
    const { Content } = parsed(attachment, (await this.http.get(`/attachment/${attachmentId}`)).body);
    return Buffer.from(Content ?? '', 'base64').toString('utf8');
  }

  async addNote(ticketId: string, text: string): Promise<void> {
    const note = { Subject: noteSubject, Content: text, ContentType: 'text/plain' };
    const answer = await this.http.send('POST', `/ticket/${ticketId}/comment`, note, { accepts: [400] });
    if (answer.status === 400) throw refusalOf(answer.text);
  }

  async open({ name, description, contact, ...about }: NewTicket): Promise<string> {
    const { reference } = about;
    const field = this.fields['reference'];
    const query = field ? `CF.{${field}} = '${quoted(reference)}'` : `Subject LIKE '${quoted(reference)}'`;
    const before = (await this.search(query, '')).find(
      (found) => this.valueOf(found, 'reference') === reference || found.Subject.includes(`[${reference}]`),
    );
    if (before) return before.id;
    const values = { ...about, customer: about.customerId, serviceProblem: about.serviceProblemId };
    const custom = Object.entries(values).flatMap(([key, value]) => {
      const name = this.fields[key];
      return name === undefined || value === undefined ? [] : [[name, value]];
    });
    const ticket = {
      Queue: this.queue ?? undefined,
      Subject: field ? name : titleWith(name, reference, maxSubjectLength),
      Requestor: contact?.emailAddress,
      Content: description,
      ContentType: 'text/plain',
      CustomFields: Object.fromEntries(custom) as Record<string, string>,
    };
    const answer = await this.http.send('POST', '/ticket', ticket, { accepts: [400] });
    if (answer.status === 400) throw refusalOf(answer.text);
    return parsed(z.looseObject({ id: anyId }), answer.body).id;
  }

  /** It sends none. */
  ticketsIn(): string[] {
    return [];
  }

  private notEnded(): string {
    const { closed, cancelled } = this.words;
    return [closed, ...cancelled].map((word) => `Status != '${quoted(word)}'`).join(' AND ');
  }

  private async search(query: string, more: string, queue: string | null = this.queue): Promise<Row[]> {
    const ours = queue === null ? query : `Queue = '${quoted(queue)}' AND (${query})`;
    const perPage = more.includes('per_page') ? '' : `&per_page=${this.pageSize}`;
    const { body } = await this.http.get(`/tickets?query=${encodeURIComponent(ours)}${fields}${perPage}${more}`);
    return parsed(list, body).items;
  }

  private valueOf(found: Row, field: string): string | undefined {
    const [value] = found.CustomFields.find(({ name }) => name === this.fields[field])?.values ?? [];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  private toTicket(found: Row): Ticket {
    const valueOf = (field: string) => this.valueOf(found, field);
    const { EmailAddress, Name } = found.Requestor[0] ?? {};
    return {
      id: found.id,
      status: found.Status,
      name: found.Subject || `Ticket ${found.id}`,
      severity: valueOf('severity'),
      ticketType: valueOf('ticketType'),
      customerId: valueOf('customer'),
      serviceProblemId: valueOf('serviceProblem'),
      contact: EmailAddress
        ? { emailAddress: EmailAddress, name: Name === EmailAddress ? undefined : Name || undefined }
        : undefined,
      openedAt: new Date(found.Created),
    };
  }
}

/** `2026-11-27 07:42:28`: with a `Z`, only the day would be read. */
const toQueryTime = (time: string): string => time.replace('T', ' ').replace(/(\.\d+)?Z$/, '');

const quoted = (text: string): string => text.replaceAll(/['\\]/g, (character) => `\\${character}`);

/** A database that is busy is answered with 400, too. */
function refusalOf(text: string): CloseoutError {
  if (/Permission Denied|No permission/.test(text))
    return new CloseoutError('SystemMisconfigured', 'RT reports a missing permission.');
  if (/could not be recorded|internal error/.test(text))
    return new CloseoutError('SystemUnavailable', 'RT could not save the change.');
  return new CloseoutError('SystemRefused', 'RT refused the request with 400.');
}
