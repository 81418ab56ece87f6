/** Events of external ticket systems. They only name tickets to be read: nothing else of an event is trusted. */
import type { FastifyInstance } from 'fastify';
import type { CloseoutClient } from '../client.js';
import { CloseoutError } from '../contract/errors.js';
import { connectSystem, type ConnectedSystem } from '../systems/adapters.js';
import type { SystemSettings } from '../setup/systems-file.js';

const listenerPath = '/tmf-api/troubleTicket/v4/listener/:event';

export function systemEvents(
  app: FastifyInstance,
  client: CloseoutClient,
  settings: ReadonlyMap<string, SystemSettings>,
): void {
  const systems = new Map([...settings].map(([name, each]) => [name, connectSystem(name, each)]));

  const hint = async ({ name, system }: ConnectedSystem, event: unknown): Promise<string[]> => {
    const tickets = system.ticketsIn(event);
    if (tickets.length === 0)
      throw new CloseoutError('BadInput', 'The body is not an event of this system: it names no ticket.');
    await client.systems.hint(name, tickets);
    return tickets;
  };

  app.post<{ Params: { name: string } }>('/systems/:name/events', async ({ params: { name }, body }, reply) => {
    const system = systems.get(name);
    if (!system) throw new CloseoutError('NotFound', `There is no system ${name}.`, 'name');
    return reply.code(202).send({ tickets: await hint(system, body) });
  });

  /** Where listeners of a TMF621 hub receive its events. `?system=`: which one, if there are several. */
  app.post<{ Params: { event: string } }>(listenerPath, async ({ query, body }, reply) => {
    const { system: wanted } = query as { system?: unknown };
    const all = [...systems.values()].filter(({ settings: { type } }) => type === 'tmf621');
    const [only] = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
    if (all.length === 0) throw new CloseoutError('NotFound', 'No TMF621 system is configured.');
    if (!only || (wanted === undefined && all.length > 1))
      throw new CloseoutError('BadInput', `system must be one of ${all.map(({ name }) => name).join(', ')}.`, 'system');
    await hint(only, body);
    return reply.code(201).send({});
  });
}
