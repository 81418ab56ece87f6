/**
 * The package `closeout-client`: Closeout over HTTP, for programs in JavaScript and TypeScript that need nothing else of it. It has no
 * dependencies, and one secret: a token (`closeout tokens create NAME --scope read,write`).
 */

export const ticketStatuses = [
  'acknowledged',
  'inProgress',
  'pending',
  'held',
  'resolved',
  'closed',
  'cancelled',
  'rejected',
] as const;
export type TicketStatus = (typeof ticketStatuses)[number];

/** What the standard allows besides the attributes that Closeout reads itself. */
type Others = Record<string, unknown>;

export interface NewTicket extends Others {
  description: string;
  severity: string;
  ticketType: string;
  /** Generated if absent. Letters, digits, `.`, `_`, `-`; at most 64. */
  id?: string;
  name?: string;
  priority?: string;
  /** With it, opening is safe to repeat: the ticket that has it is returned. */
  externalId?: string;
  /** With the role `reporterContact`: the person who is asked. */
  relatedContactInformation?: {
    role: string;
    name?: string;
    emailAddress?: string;
    preferredLanguage?: string;
    timeZone?: string;
  }[];
  /** With the role `customer`: whose report it is. */
  relatedParty?: { id: string; role?: string; '@referredType': string }[];
  /** With the role `serviceProblem`: the common fault behind it. */
  relatedEntity?: { id: string; role: string; '@referredType': string }[];
}

/** A TMF621 v4 trouble ticket. Times are ISO 8601. */
export type Ticket = NewTicket & {
  id: string;
  href: string;
  status: TicketStatus;
  statusChangeReason?: string;
  creationDate: string;
  lastUpdate: string;
  resolutionDate?: string;
  statusChange?: { status: TicketStatus; changeDate: string; changeReason?: string }[];
};

/** Which tickets to list, and in which order. */
export interface TicketQuery {
  /** By any attribute, nested ones with dots (`relatedParty.id`); several values are separated by commas. */
  filter?: Record<string, string>;
  /** `-creationDate`, `severity`. */
  sort?: string[];
  offset?: number;
  /** At most 1,000. */
  limit?: number;
}

export interface ClearingProgress extends Others {
  serviceProblemId: string;
}

/** Whatever is not 2xx. `code`: docs/errors.md; `field`: which input is wrong. */
export class CloseoutHttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | undefined,
  ) {
    super(message);
    this.name = 'CloseoutHttpError';
  }

  /** The same request may succeed later. */
  get isTemporary(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

export interface HttpClientOptions {
  /** Of a gateway: `https://closeout.example`. */
  url: string;
  /** Absent: for a gateway of `npm start` on this machine. */
  token?: string | undefined;
  /** How long an answer is waited for; ms, 30,000 by default. */
  timeout?: number;
}

const tickets = '/tmf-api/troubleTicket/v4/troubleTicket';

/** Every method throws `CloseoutHttpError`, or what `fetch` throws if there is no answer. Nothing is retried. */
export class CloseoutHttp {
  private readonly base: string;

  constructor(private readonly options: HttpClientOptions) {
    this.base = options.url.replace(/\/+$/, '');
  }

  /** Opens a report. Safe to repeat with an `externalId`. */
  open(ticket: NewTicket): Promise<Ticket> {
    return this.ask<Ticket>('POST', tickets, ticket);
  }

  get(id: string): Promise<Ticket> {
    return this.ask<Ticket>('GET', pathOf(id));
  }

  async list({ filter = {}, sort = [], offset = 0, limit = 100 }: TicketQuery = {}): Promise<{
    tickets: Ticket[];
    total: number;
  }> {
    const query = new URLSearchParams({ ...filter, offset: `${offset}`, limit: `${limit}` });
    if (sort.length > 0) query.set('sort', sort.join(','));
    const answer = await this.send('GET', `${tickets}?${query.toString()}`);
    return { tickets: (await answer.json()) as Ticket[], total: Number(answer.headers.get('x-total-count')) };
  }

  /** Changes attributes; null removes one. */
  change(id: string, changes: { [Name in keyof NewTicket]?: NewTicket[Name] | null }): Promise<Ticket> {
    return this.ask<Ticket>('PATCH', pathOf(id), changes);
  }

  /** The fault is gone: the report is closed, and its customer asked. Safe to repeat. */
  clear(id: string, reason?: string): Promise<Ticket> {
    return this.setStatus(id, 'resolved', reason);
  }

  /** The fault is back, or was not gone. */
  reopen(id: string, reason?: string): Promise<Ticket> {
    return this.setStatus(id, 'inProgress', reason);
  }

  /** The report was raised in error. */
  cancel(id: string, reason?: string): Promise<Ticket> {
    return this.setStatus(id, 'cancelled', reason);
  }

  async remove(id: string): Promise<void> {
    await this.send('DELETE', pathOf(id));
  }

  /** Clears every report of a common fault, at most `perSecond` per second. */
  async clearServiceProblem(id: string, perSecond?: number): Promise<void> {
    await this.ask('POST', `/service-problems/${encodeURIComponent(id)}/clear`, { perSecond });
  }

  serviceProblem(id: string): Promise<ClearingProgress> {
    return this.ask<ClearingProgress>('GET', `/service-problems/${encodeURIComponent(id)}`);
  }

  private setStatus(id: string, status: TicketStatus, statusChangeReason: string | undefined): Promise<Ticket> {
    return this.ask<Ticket>('PATCH', pathOf(id), { status, statusChangeReason });
  }

  private async ask<T>(method: string, path: string, body?: object): Promise<T> {
    return (await (await this.send(method, path, body)).json()) as T;
  }

  private async send(method: string, path: string, body?: object): Promise<Response> {
    const { token, timeout = 30_000 } = this.options;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    });
    if (answer.ok) return answer;
    const {
      code = `${answer.status}`,
      reason,
      message,
      field,
    } = ((await answer.json().catch(() => ({}))) ?? {}) as Record<string, string | undefined>;
    throw new CloseoutHttpError(
      answer.status,
      code,
      message ?? reason ?? `${method} answered ${answer.status}.`,
      field,
    );
  }
}

const pathOf = (id: string): string => `${tickets}/${encodeURIComponent(id)}`;
