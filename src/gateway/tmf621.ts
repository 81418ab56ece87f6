/** The TMF621 v4 resource troubleTicket: create, list, read, patch, delete. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import type { Report } from '../contract/reports.js';
import { parseInput } from './parse.js';
import { pick } from '../tmf621/hub-query.js';
import { filterOf } from '../tmf621/list-query.js';
import { ticketPath, toTicket } from '../tmf621/ticket.js';
import { parseCreation, parsePatch } from './ticket-body.js';

const once = z.string({ error: 'must be given once' });
const wholeNumberUpTo = (most: number) =>
  once
    .refine((text) => /^\d{1,16}$/.test(text) && Number(text) <= most, `must be a whole number from 0 to ${most}`)
    .transform(Number);
/** All other query parameters are attributes to filter by; several values are alternatives. */
const listQuery = z
  .object({
    fields: once.optional(),
    sort: once.optional(),
    offset: wholeNumberUpTo(Number.MAX_SAFE_INTEGER).default(0),
    limit: wholeNumberUpTo(1000).default(100),
  })
  .catchall(z.union([z.string(), z.array(z.string())]));

/** Who created or changed a ticket. The shared token is nobody's. */
const authorOf = ({ subject }: FastifyRequest): string => subject?.name ?? 'TMF621';

export function tmf621(app: FastifyInstance, client: CloseoutClient, baseUrl: string): void {
  const ticketsOf = async (reports: Report[]): Promise<Record<string, unknown>[]> => {
    const details = await client.detailsOf(reports.map(({ id }) => id));
    return reports.map((report) => toTicket(report, details.get(report.id) ?? { history: [] }, baseUrl));
  };
  const ticketOf = async (report: Report) => (await ticketsOf([report]))[0] ?? {};

  app.post(ticketPath, async (request, reply) => {
    const opening = { ...parseCreation(request.body), openedBy: authorOf(request) };
    const { externalId } = opening;
    const { report, isNew } =
      externalId === undefined
        ? { report: await client.open(opening), isNew: true }
        : await client.openOnce({ ...opening, externalId });
    const created = await ticketOf(report);
    return reply
      .code(isNew ? 201 : 200)
      .header('location', created['href'])
      .send(created);
  });

  app.get(ticketPath, async (request, reply) => {
    const { fields, sort, offset, limit, ...wanted } = parseInput(listQuery, request.query);
    const filter = filterOf(wanted, baseUrl);
    const { reports, total } = await client.list({ filter, sort: sort?.split(','), offset, limit });
    reply.header('x-total-count', total).header('x-result-count', reports.length);
    return (await ticketsOf(reports)).map((ticket) => pick(ticket, fields));
  });

  app.get<{ Params: { id: string } }>(`${ticketPath}/:id`, async (request) => {
    const { fields } = parseInput(listQuery, request.query);
    return pick(await ticketOf(await client.get(request.params.id)), fields);
  });

  app.delete<{ Params: { id: string } }>(`${ticketPath}/:id`, async (request, reply) => {
    await client.remove(request.params.id);
    return reply.code(204).send();
  });

  /** 202: the change is accepted, but its run has not followed yet. */
  app.patch<{ Params: { id: string } }>(`${ticketPath}/:id`, async (request, reply) => {
    const { status, statusChangeReason: reason, resolvedAt: at, changes } = parsePatch(request.body);
    const by = authorOf(request);
    const { report, isApplied } = await client.update(request.params.id, changes, { status, by, reason, at });
    return reply.code(isApplied ? 200 : 202).send(await ticketOf(report));
  });
}
