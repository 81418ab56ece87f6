/** The TMF621 v4 resource troubleTicket: create, list, read, patch. A change of status drives the report's run. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import type { NewReport, Report, ReportStatus } from '../contract/reports.js';
import { changeKind, mayFollow } from '../policy/status.js';
import { parse, parseCreation, parsePatch, ticketPath, toTicket } from './tickets.js';

const once = z.string({ error: 'must be given once' });
const whole = (most: number) =>
  once
    .refine((text) => /^\d{1,16}$/.test(text) && Number(text) <= most, `must be a whole number from 0 to ${most}`)
    .transform(Number);
/** Everything else in the query is an attribute to filter by. */
const listQuery = z
  .object({
    fields: once.optional(),
    offset: whole(Number.MAX_SAFE_INTEGER).default(0),
    limit: whole(1000).default(100),
  })
  .catchall(once);

export function tmf621(app: FastifyInstance, client: CloseoutClient, baseUrl: string): void {
  const ticket = async (report: Report) => {
    const details = await client.reports.detailsOf([report.id]);
    return toTicket(report, details.get(report.id) ?? { history: [] }, baseUrl);
  };

  app.post(ticketPath, async (request, reply) => {
    const created = await ticket(await client.open(parseCreation(request.body)));
    return reply.code(201).header('location', created['href']).send(created);
  });

  app.get(ticketPath, async (request, reply) => {
    const { fields, offset, limit, ...filter } = parse(listQuery, request.query);
    const { reports, total } = await client.list({ filter, offset, limit });
    const details = await client.reports.detailsOf(reports.map(({ id }) => id));
    reply.header('x-total-count', total).header('x-result-count', reports.length);
    return reports.map((report) => pick(toTicket(report, details.get(report.id) ?? { history: [] }, baseUrl), fields));
  });

  app.get<{ Params: { id: string } }>(`${ticketPath}/:id`, async (request) => {
    const { fields } = parse(listQuery, request.query);
    return pick(await ticket(await client.reports.get(request.params.id)), fields);
  });

  app.patch<{ Params: { id: string } }>(`${ticketPath}/:id`, async (request) => {
    const { id } = request.params;
    const { status, statusChangeReason: reason, changes } = parsePatch(request.body);
    const report = await client.reports.get(id);
    if (status) assertReachable(report, status);
    await client.reports.amend(id, changes);
    if (status && status !== report.status) await setStatus(client, report, status, reason);
    return ticket(await client.reports.get(id));
  });
}

function assertReachable({ id, status: from }: Report, to: ReportStatus): void {
  if (from === to || mayFollow(from).includes(to)) return;
  const allowed = mayFollow(from).join(', ') || 'nothing, it is final';
  const hint = to === 'closed' ? ' Closeout itself closes a report once it is resolved.' : '';
  throw new CloseoutError(
    'StatusConflict',
    `Report ${id} is ${from}; from there status can become ${allowed}, not ${to}.${hint}`,
    'status',
  );
}

async function setStatus(
  client: CloseoutClient,
  { id, status: from }: Report,
  to: ReportStatus,
  reason?: string,
): Promise<void> {
  const change = { status: to, by: 'TMF621', ...(reason ? { reason } : {}) };
  switch (changeKind(from, to)) {
    case 'cleared':
      return void (await client.clear(id, change));
    case 'reopened':
      return void (await client.reopen(id, change));
    case 'cancelled':
      return void (await client.cancel(id, change));
    case undefined:
      return void (await client.reports.amend(id, { status: to as NewReport['status'] }));
  }
}

/** TMF630 `fields`: only those attributes; `id` and `href` always. */
function pick(ticket: Record<string, unknown>, fields: string | undefined): Record<string, unknown> {
  if (!fields) return ticket;
  const wanted = new Set(['id', 'href', ...fields.split(',').map((field) => field.trim())]);
  return Object.fromEntries(Object.entries(ticket).filter(([name]) => wanted.has(name)));
}
