import { hasCode } from '../../src/contract/errors.js';
import { connectSystem } from '../../src/systems/adapters.js';
import { noteOnce } from '../../src/systems/move.js';
import { ScriptedHttpServer } from '../stack/scripted-http-server.js';
import { startRequestTracker, usual } from './agents.js';
import { conformance } from './conformance.js';
import { isInstalled, skipped } from './live.js';

if (isInstalled('request-tracker')) {
  conformance('Request Tracker', startRequestTracker);

  test('a note is added once to a ticket whose attachments are longer than an answer may be', async () => {
    const { settings, attach, stop } = await startRequestTracker();
    const { system } = connectSystem('desk', { ...settings, rate: 1000 });
    const id = await system.open({ name: 'No dial tone', description: 'Line 3 is dead', reference: 'with-photos' });
    for (let n = 0; n < 5; n++) await attach(id, Buffer.alloc(7 * 2 ** 20, 'photo'));
    await noteOnce(system, id, 'closeout:x:1', 'Closed.');
    await noteOnce(system, id, 'closeout:x:1', 'Closed.');
    expect(await system.notes(id)).toEqual([expect.stringContaining('[closeout:x:1]')]);
    await stop?.();
  });
} else test.skip(skipped('request-tracker'), () => undefined);

test.each([
  ['2026-12-01T12:42:00Z', false],
  ['2026-12-01T07:42:00Z', true],
])('a poll that finds nothing, while the newest ticket is of %s, is right: %s', async (updated, isRight) => {
  const newest = { id: 1, Subject: 'No dial tone', Status: 'open', Created: updated, LastUpdated: updated };
  const server = new ScriptedHttpServer(({ path }) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ items: path.includes('LastUpdated%20%3E%3D') ? [] : [newest] }),
  }));
  const { system } = connectSystem('desk', { ...usual, type: 'request-tracker', url: await server.listen() });
  const polled = system.changedSince('2026-12-01T12:42:00Z 2026-12-01T12:42:00Z').then(
    () => true,
    (error: unknown) => (hasCode(error, 'SystemMisconfigured') ? false : error),
  );
  expect(await polled).toBe(isRight);
  await server.close();
});
