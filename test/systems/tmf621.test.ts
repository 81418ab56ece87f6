import type { SystemSettings } from '../../src/setup/systems-file.js';
import { connectSystem } from '../../src/systems/adapters.js';
import { usual, type Agent } from './agents.js';
import { conformance } from './conformance.js';
import { Tmf621Server } from './tmf621-server.js';

const anHour = 3_600_000;

describe.each([
  ['v4', 'with a clock an hour ahead', anHour],
  ['v5', 'with a clock an hour behind', -anHour],
] as const)('%s %s', (version, _what, offset) => {
  const server = new Tmf621Server(version, offset);
  afterAll(() => server.close());

  conformance(`TMF621 ${version}`, async (): Promise<Agent> => {
    const origin = await server.listen();
    const login = { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: 'secret' };
    const settings: SystemSettings = {
      type: 'tmf621',
      url: `${origin}/tmf-api/troubleTicket/${version}`,
      oauth: login,
      ...usual,
    };
    return {
      settings,
      wrongLogin: { ...settings, oauth: { ...login, clientSecret: 'wrong' } },
      others: { ...settings, only: { ticketType: 'change' } },
      keeps: ['description', 'severity', 'ticketType', 'customerId', 'serviceProblemId', 'contact'],
      setStatus: (id, status) => Promise.resolve(server.set(id, status)),
      remove: (id) => Promise.resolve(server.remove(id)),
      eventAbout: (id) => ({ eventType: 'TroubleTicketStatusChangeEvent', event: { troubleTicket: { id } } }),
    };
  });
});

const settingsFor = (origin: string, only: Record<string, string>): SystemSettings => ({
  type: 'tmf621',
  url: `${origin}/tmf-api/troubleTicket/v4`,
  oauth: { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: 'secret' },
  ...usual,
  only,
});

test('a ticket that is opened is one of those that `only` names, and found again', async () => {
  const server = new Tmf621Server('v4');
  const { system } = connectSystem('desk', settingsFor(await server.listen(), { priority: '1' }));
  const opening = { name: 'Fibre cut', description: 'No light', reference: 'alarm-1' };
  const id = await system.open(opening);
  expect(await system.read(id)).toMatchObject({ id });
  expect(await system.open(opening)).toBe(id);
  await server.close();
});

test('tickets of another kind do not match `only`, although the system ignores every filter', async () => {
  const server = new Tmf621Server('v4');
  const { system } = connectSystem('desk', settingsFor(await server.listen(), { ticketType: 'incident' }));
  const [ours, other] = ['incident', 'change'].map((ticketType) => server.open({ description: 'x', ticketType }));
  expect((await system.listOpen()).map(({ id }) => id)).toEqual([ours]);
  expect((await system.changedSince(undefined)).tickets.map(({ id }) => id)).toEqual([ours]);
  expect(await system.read(other ?? '')).toBeUndefined();
  await server.close();
});

test('attributes that do not have the form of the standard hide no ticket', async () => {
  const server = new Tmf621Server('v4');
  const { system } = connectSystem('desk', settingsFor(await server.listen(), {}));
  const odd = { description: 'x', severity: 1, relatedParty: 'nobody', relatedContactInformation: [{ name: 17 }] };
  const id = server.open(odd);
  const ticket = { id, description: 'x', severity: undefined, customerId: undefined, contact: undefined };
  expect(await system.listOpen()).toMatchObject([ticket]);
  expect(await system.read(id)).toMatchObject(ticket);
  await server.close();
});

test('lists are asked for without notes and attachments', async () => {
  const server = new Tmf621Server('v4');
  const { system } = connectSystem('desk', settingsFor(await server.listen(), { priority: '1' }));
  const id = server.open({ description: 'x', priority: '1', attachment: ['a file'], note: [{ text: 'called' }] });
  expect(await system.listOpen()).toMatchObject([{ id, description: 'x' }]);
  expect([...server.listed]).toEqual(expect.not.arrayContaining(['note', 'attachment']));
  expect(await system.notes(id)).toEqual(['called']);
  await server.close();
});

test('an event may name its ticket by a number', () => {
  const { system } = connectSystem('desk', settingsFor('https://desk.example', {}));
  expect(system.ticketsIn({ event: { troubleTicket: { id: 17 } } })).toEqual(['17']);
});
