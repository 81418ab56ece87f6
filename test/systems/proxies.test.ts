/** A proxy before a ticket system answers 404 while the system restarts. */
import { connectSystem } from '../../src/systems/adapters.js';
import { ScriptedHttpServer, type Scripted, type Seen } from '../stack/scripted-http-server.js';
import { usual } from './agents.js';

const server = new ScriptedHttpServer();
let url: string;
beforeAll(async () => {
  url = await server.listen();
});
afterAll(() => server.close());

const json = (body: unknown): Scripted => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const notFound: Scripted = { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' };
const ticket = (id: number) => ({ id, queue: 1, title: 'No dial tone', status: 1 });

test.each([
  ['the first page', (): Scripted => notFound],
  [
    'a page before the last',
    ({ path }: Seen) => (path.endsWith('page=1') ? json({ count: 3, results: [ticket(1), ticket(2)] }) : notFound),
  ],
])('of django-helpdesk, which is no list without tickets: %s', async (_, script) => {
  server.script = script;
  const { system } = connectSystem('desk', { ...usual, type: 'django-helpdesk', url }, { pageSize: 2 });
  await expect(system.changedSince(undefined)).rejects.toMatchObject({ code: 'SystemUnavailable' });
});

test('of django-helpdesk, after the last page, is its end', async () => {
  server.script = ({ path }) =>
    path.endsWith('page=1') ? json({ count: 2, results: [ticket(1), ticket(2)] }) : notFound;
  const { system } = connectSystem('desk', { ...usual, type: 'django-helpdesk', url }, { pageSize: 2 });
  expect((await system.changedSince(undefined)).tickets).toHaveLength(2);
});

test('of one issue of Redmine, which is listed, does not mean that it has no notes', async () => {
  const named = { id: 1, name: 'x' };
  const issue = { id: 5, project: named, subject: 'x', status: named, created_on: 'x', updated_on: 'x' };
  server.script = ({ path }) => (path.startsWith('/issues.json') ? json({ issues: [issue] }) : notFound);
  const { system } = connectSystem('desk', { ...usual, type: 'redmine', url });
  await expect(system.notes('5')).rejects.toMatchObject({ code: 'SystemUnavailable' });
  server.script = ({ path }) => (path.startsWith('/issues.json') ? json({ issues: [] }) : notFound);
  expect(await system.notes('5')).toEqual([]);
});
