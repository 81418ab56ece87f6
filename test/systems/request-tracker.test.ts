import { connectSystem } from '../../src/systems/adapters.js';
import { noteOnce } from '../../src/systems/move.js';
import { startRequestTracker } from './agents.js';
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
