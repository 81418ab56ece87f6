/** The hub of TMF621: who wants to be notified of what. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../client.js';
import { isLoopback } from '../contract/loopback.js';
import { assertHubQuery } from '../tmf621/hub-query.js';
import { parseInput } from './parse.js';

export const hubPath = '/tmf-api/troubleTicket/v4/hub';

const callbackRule = 'must be a URL that begins with https://';

interface HubSettings {
  baseUrl: string;
  /** Listeners on this machine are allowed, as workers do. */
  allowLoopback: boolean;
}

export function hub(app: FastifyInstance, client: CloseoutClient, { baseUrl, allowLoopback }: HubSettings): void {
  // Tickets hold customers' names and addresses, so they leave this machine only encrypted.
  const isProtected = (callback: string) => callback.startsWith('https:') || (allowLoopback && isLoopback(callback));
  const subscription = z.looseObject({
    callback: z
      .url({ protocol: /^https?$/, error: callbackRule })
      .max(2000)
      .refine(isProtected, callbackRule),
    query: z.string().max(2000).nullish(),
  });

  app.post(hubPath, async (request, reply) => {
    const { callback, query } = parseInput(subscription, request.body);
    if (typeof query === 'string') assertHubQuery(query);
    const created = await client.events.subscribe(callback, query ?? undefined);
    return reply.code(201).header('location', `${baseUrl}${hubPath}/${created.id}`).send(created);
  });

  app.delete<{ Params: { id: string } }>(`${hubPath}/:id`, async ({ params }, reply) => {
    await client.events.unsubscribe(params.id);
    return reply.code(204).send();
  });
}
