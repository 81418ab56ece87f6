/**
 * django-helpdesk 2.6 (docs/systems.md). Quirks: it refuses no transition; a receiver or mail server that is down
 * turns a saved change into a 500; comments are rendered as Django templates; PATCH and mass changes send no event.
 */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { Http, parsed } from './http.js';
import type { AdapterSettings, Changes, NewTicket, SystemOfRecord, Ticket } from './port.js';
import { titleWith } from './title.js';
import { meansEnded, missingStatuses, type StatusWords } from './words.js';

export const helpdeskWords: StatusWords = {
  cleared: ['Resolved'],
  closed: 'Closed',
  cancelled: ['Duplicate'],
  reopened: 'Reopened',
};

const statuses = ['Open', 'Reopened', 'Resolved', 'Closed', 'Duplicate'];
const severities = ['critical', 'major', 'minor', 'minor', 'minor'];

const ticket = z.looseObject({
  id: z.number(),
  queue: z.number(),
  title: z.string(),
  description: z.string().nullish(),
  submitter_email: z.string().nullish(),
  status: z.number(),
  priority: z.number().nullish(),
  merged_to: z.number().nullish(),
  followup_set: z.array(z.looseObject({ comment: z.string().nullish() })).default([]),
});
type Row = z.infer<typeof ticket>;
/** Its form for tickets allows no more, though its table does. */
const maxTitleLength = 100;
const page = z.looseObject({ count: z.number(), results: z.array(ticket) });

/** `only.queue`: id of the queue. */
export class DjangoHelpdesk implements SystemOfRecord {
  private readonly http: Http;
  private readonly queue: string | undefined;
  private readonly pageSize: number;

  constructor(
    { url, token = '', only, pace, pageSize }: AdapterSettings,
    private readonly words: StatusWords,
  ) {
    this.http = new Http({ url, pace, headers: () => ({ authorization: `Token ${token}` }) });
    this.queue = only['queue'];
    this.pageSize = pageSize;
  }

  async check(): Promise<string[]> {
    await this.http.get('/api/followups/?page_size=1');
    return missingStatuses(this.words, statuses);
  }

  async read(id: string): Promise<Ticket | undefined> {
    const row = await this.find(id);
    return row && toTicket(row);
  }

  /** It cannot say what changed: tickets have no time of change, and filters by it are ignored. */
  async changedSince(): Promise<Changes> {
    return { tickets: (await this.all()).map(toTicket), cursor: undefined, hasMore: false };
  }

  async listOpen(): Promise<Ticket[]> {
    return (await this.all()).map(toTicket).filter(({ status }) => !meansEnded(status, this.words));
  }

  async move(id: string, status: string, note: string): Promise<void> {
    const target = numberOf(status);
    if (target === undefined) throw new CloseoutError('SystemRefused', `django-helpdesk has no status ${status}.`);
    await this.followUp(id, { comment: escapeTemplate(note), new_status: target });
  }

  async notes(id: string): Promise<string[]> {
    const row = await this.find(id);
    return row?.followup_set.flatMap(({ comment }) => comment || []) ?? [];
  }

  async addNote(id: string, text: string): Promise<void> {
    await this.followUp(id, { comment: escapeTemplate(text) });
  }

  /** There is no field for the reference, so it is part of the title. */
  async open({ name, description, severity = '', contact, reference }: NewTicket): Promise<string> {
    const before = (await this.all()).find((row) => row.title.includes(`[${reference}]`));
    if (before) return `${before.id}`;
    const { body } = await this.http.send('POST', '/api/tickets/', {
      queue: Number(this.queue),
      title: titleWith(name, reference, maxTitleLength),
      description: escapeTemplate(description),
      priority: severities.indexOf(severity) + 1 || 3,
      submitter_email: contact?.emailAddress ?? '',
    });
    return `${parsed(ticket, body).id}`;
  }

  ticketsIn(event: unknown): string[] {
    const parsed = z.looseObject({ ticket: z.looseObject({ id: z.number() }) }).safeParse(event);
    return parsed.success ? [`${parsed.data.ticket.id}`] : [];
  }

  private isOurs({ queue, merged_to: merged }: Row): boolean {
    return merged == null && (this.queue === undefined || `${queue}` === this.queue);
  }

  private async find(id: string): Promise<Row | undefined> {
    const { status, body } = await this.http.get(`/api/tickets/${encodeURIComponent(id)}/`, { accepts: [404] });
    if (status === 404) {
      // A proxy without a route answers 404, too.
      parsed(page, (await this.http.get('/api/tickets/?page_size=1', { accepts: [404] })).body);
      return undefined;
    }
    const row = parsed(ticket, body);
    return this.isOurs(row) ? row : undefined;
  }

  /** Without notes. Pages are by id, so a ticket that is deleted meanwhile moves others to an earlier page: then all are read again. */
  private async all(): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      const rows = new Map<number, Row>();
      let last = 0;
      let hasShrunk = false;
      let isFull = true;
      for (let number = 1; isFull; number++) {
        const path = `/api/tickets/?page_size=${this.pageSize}&page=${number}`;
        const { status, body } = await this.http.get(path, { accepts: [404] });
        // After the last page, it answers 404; so does a proxy while the system behind it restarts.
        if (status === 404 && (number === 1 || rows.size < last))
          throw new CloseoutError('SystemUnavailable', `Page ${number} of the tickets was not found.`);
        const { results = [], count = last } = status === 404 ? {} : parsed(page, body);
        for (const row of results) rows.set(row.id, { ...row, followup_set: [] });
        hasShrunk ||= count < last;
        last = count;
        isFull = results.length === this.pageSize;
      }
      if (!hasShrunk || attempt === 3) return [...rows.values()].filter((row) => this.isOurs(row));
    }
  }

  /** Never with a title, which would rename the ticket. */
  private async followUp(id: string, more: { comment: string; new_status?: number }): Promise<void> {
    await this.http.send('POST', '/api/followups/', { ticket: Number(id), public: false, ...more });
  }
}

const toTicket = (row: Row): Ticket => ({
  id: `${row.id}`,
  status: statuses[row.status - 1] ?? `${row.status}`,
  name: row.title,
  description: row.description || undefined,
  severity: severities[(row.priority ?? 3) - 1],
  contact: row.submitter_email ? { emailAddress: row.submitter_email } : undefined,
});

function numberOf(word: string): number | undefined {
  const index = statuses.findIndex((status) => status.toLowerCase() === word.toLowerCase());
  return index < 0 ? undefined : index + 1;
}

/** Comments are templates, in which `{{ x | }}` is an error, `{# #}` vanishes, and half of a `{% %}` is a 500. */
const escapeTemplate = (text: string): string =>
  text.replaceAll(/\{(?=[{%#])/g, '{\u200b').replaceAll('%}', '%\u200b}');
