import { connectSystem } from '../../src/systems/adapters.js';
import { FaultyProxy } from '../stack/faulty-proxy.js';
import { startRedmine } from './agents.js';
import { conformance } from './conformance.js';
import { isInstalled, skipped } from './live.js';

if (isInstalled('redmine')) {
  conformance('Redmine', startRedmine);

  describe('Redmine', () => {
    let agent: Awaited<ReturnType<typeof startRedmine>>;
    beforeAll(async () => {
      agent = await startRedmine();
    });
    afterAll(() => agent.stop?.());
    const connect = (more = {}) => connectSystem('desk', { ...agent.settings, rate: 1000, ...more }).system;

    test('a ticket is opened once, with its fields, if the newest issue is of a tracker that has others', async () => {
      const system = connect();
      await system.open({ name: 'No dial tone', description: 'Line 3 is dead', reference: 'first' });
      await agent.openOther();
      expect(await system.check()).toEqual([]);
      const ticket = { name: 'No dial tone', description: 'Line 4 is dead', reference: 'second', customerId: 'C-1' };
      const id = await system.open(ticket);
      expect(await system.read(id)).toMatchObject({ customerId: 'C-1' });
      await agent.openOther();
      expect(await system.open(ticket)).toBe(id);
    });

    test('of a field that has several values, the first counts', async () => {
      const at = '2026-03-01T12:00:00Z';
      const named = { project: { id: 1, name: 'Support' }, status: { id: 1, name: 'New' } };
      const custom_fields = [{ id: 2, name: 'Customer', multiple: true, value: ['', 'C-2', 'C-3'] }];
      const issue = { id: 7, subject: 'No dial tone', ...named, created_on: at, updated_on: at, custom_fields };
      const proxy = new FaultyProxy(agent.settings.url);
      const headers = { 'content-type': 'application/json' };
      proxy.fault = () => ({ instead: { status: 200, headers, body: JSON.stringify({ issues: [issue] }) } });
      const system = connect({ url: await proxy.listen() });
      expect(await system.read('7')).toMatchObject({ customerId: 'C-2' });
      await proxy.close();
    });

    test('a ticket that is hidden from us is named, and is no fault of the login', async () => {
      const proxy = new FaultyProxy(agent.settings.url);
      const headers = { 'content-type': 'application/json' };
      proxy.fault = ({ path }) =>
        path.startsWith('/issues.json')
          ? { instead: { status: 200, headers, body: '{"issues":[]}' } }
          : path.startsWith('/issues/7.json')
            ? { instead: { status: 403 } }
            : undefined;
      const hidden = connect({ url: await proxy.listen() }).read('7');
      await expect(hidden).rejects.toMatchObject({
        code: 'SystemRefused',
        message: 'Ticket 7 exists, but the login may not see it.',
      });
      await proxy.close();
    });
  });
} else test.skip(skipped('redmine'), () => undefined);
