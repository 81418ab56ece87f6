/** A TMF621 ticket system in memory: the transitions of the reference implementation, no ETag, no counts, OAuth2, v4 or v5 spelling. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Ticket = Record<string, unknown> & { id: string; status: string };

const allowed: Record<string, string[]> = {
  acknowledged: ['inProgress', 'held', 'pending', 'resolved', 'cancelled', 'rejected'],
  inProgress: ['held', 'pending', 'resolved', 'cancelled'],
  held: ['inProgress', 'pending', 'resolved'],
  pending: ['inProgress', 'held', 'resolved', 'cancelled'],
  resolved: ['closed', 'inProgress', 'held', 'pending'],
  closed: ['inProgress'],
};

/** Fewer than a client asks for. */
const maxPerPage = 40;

export class Tmf621Server {
  private readonly tickets = new Map<string, Ticket>();
  private readonly histories = new Map<string, string[]>();
  private server: Server | undefined;
  private count = 0;
  private clock = 0;
  /** The attributes that it has sent in lists. */
  readonly listed = new Set<string>();

  /** `clockOffset`: how far its clock is off; ms. */
  constructor(
    private readonly version: 'v4' | 'v5',
    private readonly clockOffset = 0,
  ) {}

  async listen(): Promise<string> {
    this.server = createServer(
      (request, response) => void this.answer(request, response).catch(() => response.destroy()),
    );
    this.server.listen(0, '127.0.0.1');
    await new Promise((ready) => this.server?.once('listening', ready));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise<void>((closed) => (this.server ? this.server.close(() => closed()) : closed()));
  }

  remove(id: string): void {
    this.tickets.delete(id);
  }

  /** As its agents do, too: any status. */
  set(id: string, status: string): void {
    this.change(id, { status });
  }

  change(id: string, changes: Partial<Ticket>): void {
    const ticket = this.tickets.get(id);
    if (ticket) this.store({ ...ticket, ...changes, lastUpdate: this.now() });
  }

  open(given: Partial<Ticket>): string {
    return this.create(given).id;
  }

  statusOf(id: string): string | undefined {
    return this.tickets.get(id)?.status;
  }

  /** Every status that the ticket has had. */
  historyOf(id: string): string[] {
    return this.histories.get(id) ?? [];
  }

  notesOf(id: string): string[] {
    const { note = [] } = (this.tickets.get(id) ?? {}) as { note?: { text: string }[] };
    return note.map(({ text: words }) => words);
  }

  private store(ticket: Ticket): void {
    const before = this.tickets.get(ticket.id)?.status;
    if (ticket.status !== before) this.histories.set(ticket.id, [...this.historyOf(ticket.id), ticket.status]);
    this.tickets.set(ticket.id, ticket);
  }

  private now(): string {
    return new Date(Date.now() + this.clockOffset + this.clock++).toISOString();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    const body = await text(request);
    const send = (status: number, value?: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json;charset=utf-8' })
        .end(value ? JSON.stringify(value) : '');
    if (pathname === '/token') {
      const login = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
      const isRight = login === 'closeout:secret' && body.includes('grant_type=client_credentials');
      return void (isRight
        ? send(200, { access_token: 'issued', expires_in: 3600 })
        : send(401, { error: 'invalid_client' }));
    }
    if (request.headers.authorization !== 'Bearer issued')
      return void send(401, { code: '401', reason: 'Unauthorized' });
    const id = /\/v\d\/troubleTicket\/(.+)$/.exec(pathname)?.[1];
    const ticket = id === undefined ? undefined : this.tickets.get(decodeURIComponent(id));
    if (id !== undefined && !ticket) return void send(404, { code: '404', reason: 'Not found' });
    const given = (body === '' ? {} : JSON.parse(body)) as Partial<Ticket>;
    if (request.method === 'POST') return void send(201, this.shown(this.create(given)));
    if (request.method === 'PATCH' && ticket) return void this.patch(ticket, given, send);
    if (ticket) return void send(200, this.shown(ticket));
    const offset = Number(searchParams.get('offset') ?? 0);
    const limit = Math.min(maxPerPage, Number(searchParams.get('limit') ?? 10));
    const fields = searchParams.get('fields')?.split(',');
    if (fields && this.version === 'v5') return void send(400, { code: '400', reason: 'No attribute may be selected' });
    const selected = (ticket: Ticket) =>
      Object.fromEntries(Object.entries(this.shown(ticket)).filter(([name]) => !fields || fields.includes(name)));
    const page = [...this.tickets.values()].slice(offset, offset + limit).map(selected);
    for (const ticket of page) for (const name of Object.keys(ticket)) this.listed.add(name);
    send(200, page);
  }

  private create(given: Partial<Ticket>): Ticket {
    const id = `TT ${++this.count}`;
    const now = this.now();
    const ticket: Ticket = { ...given, id, status: 'acknowledged', creationDate: now, lastUpdate: now };
    this.store(ticket);
    return ticket;
  }

  private patch(ticket: Ticket, given: Partial<Ticket>, send: (status: number, value?: unknown) => unknown): void {
    const { status = ticket.status } = given;
    if (status !== ticket.status && !allowed[ticket.status]?.includes(status))
      return void send(409, { code: '409', reason: `${ticket.status} cannot become ${status}` });
    const changed = { ...ticket, ...given, status, lastUpdate: this.now() };
    this.store(changed);
    send(200, this.shown(changed));
  }

  /** In v5, parties are nested, and the external id is a list. */
  private shown({ relatedParty, externalId, ...rest }: Ticket): object {
    if (this.version === 'v4') return { ...rest, relatedParty, externalId };
    const parties = (relatedParty as { id: string; role: string }[] | undefined)?.map(({ id, role }) => ({
      role,
      partyOrPartyRole: { id, '@referredType': 'Customer' },
    }));
    return { ...rest, relatedParty: parties };
  }
}
