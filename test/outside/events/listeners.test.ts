/** Who gets events, and what happens if they fail. */
import type { Failure } from '../../../src/outside/events/events.js';
import { openDatabase, type Db } from '../../../src/outside/database/database.js';
import { openStores, type Stores } from '../../../src/outside/stores.js';
import { loadConfig } from '../../../src/setup/config.js';
import { Stack } from '../../stack/stack.js';

let stack: Stack;
let db: Db;
let stores: Stores;
beforeAll(async () => {
  stack = await Stack.start();
  const { databaseUrl, addressKey } = loadConfig({ ...stack.env });
  db = openDatabase(databaseUrl, () => undefined);
  stores = openStores(db, addressKey);
});
afterAll(async () => {
  await db.destroy();
  await stack.end();
});

test('deliveries that fail together count as one failure, and five in a row are a pause of a second', async () => {
  await stack.sql(`insert into listeners (name, kind) values ('crm', 'webhook')`);
  await stack.sql(`
    select note_event('report.opened', 'REPORT-' || n, 1, null, '{}') from generate_series(1, 10) n`);
  const listener = async () => {
    const [row] = await stack.sql<{ failures: number; pause: number | null }>(`
      select failures, extract(epoch from retry_at - now())::float8 as pause from listeners where name = 'crm'`);
    return row;
  };
  for (let failures = 1; failures <= 5; failures++) {
    const claimed = await stores.events.claim('crm', 10);
    expect(claimed).toHaveLength(10);
    await Promise.all(claimed.map((each) => stores.events.failed(each, { reason: '503' }, () => Promise.resolve())));
    expect((await listener())?.failures).toBe(failures);
    if (failures < 5) expect((await listener())?.pause).toBeNull();
    await stack.sql('update deliveries set due_at = now()');
  }
  expect((await listener())?.pause).toBeLessThan(2);
  // What it does not want says nothing about it; what it takes does.
  const [unwanted, taken] = await stores.events.claim('crm', 10);
  if (!unwanted || !taken) throw new Error('nothing is waiting');
  await stores.events.dropUnwanted(unwanted);
  expect((await listener())?.failures).toBe(5);
  await stores.events.delivered(taken);
  expect((await listener())?.failures).toBe(0);
  expect(await stack.sql(`select from deliveries where listener = 'crm'`)).toHaveLength(8);
});

describe('an event that is given up', () => {
  const failingSince = async (name: string) =>
    (await stores.events.status()).find((each) => each.name === name)?.failingSince;
  const fail = async (name: string, failure: Failure) => {
    await stack.sql('update deliveries set due_at = now() where listener = $1', [name]);
    const endings: [string, string, string][] = [];
    for (const each of await stores.events.claim(name, 10))
      await stores.events.failed(each, failure, (outcome, occasion) => {
        endings.push([each.reportId, outcome, occasion]);
        return Promise.resolve();
      });
    return endings;
  };

  test('no longer counts as a failure of its listener, so that the next failure does not park it', async () => {
    await stack.sql(`insert into listeners (name, kind) values ('desk', 'system')`);
    await stack.sql(`select note_event('report.opened', 'REFUSED-1', 1, null, '{}')`);
    expect(await fail('desk', { reason: '503' })).toEqual([]);
    await stack.sql(`update listeners set failing_since = now() - interval '4 days' where name = 'desk'`);
    const [given] = await fail('desk', { reason: '409', ends: 'givenUp' });
    expect(given?.slice(0, 2)).toEqual(['REFUSED-1', 'givenUp']);
    expect(await failingSince('desk')).toBeUndefined();
    await stack.sql(`select note_event('report.opened', 'REFUSED-2', 1, null, '{}')`);
    expect(await fail('desk', { reason: '503' })).toEqual([]);
    // Nor does it end a failure that another event has met.
    await stack.sql(`select note_event('report.opened', 'REFUSED-3', 1, null, '{}')`);
    const [refused] = await stores.events.claim('desk', 10);
    if (!refused) throw new Error('nothing is waiting');
    await stores.events.failed(refused, { reason: '409', ends: 'givenUp' }, () => Promise.resolve());
    expect(await failingSince('desk')).toBeDefined();
  });

  test('alerts once for each event, and for each time that the listener is parked', async () => {
    await stack.sql(`insert into listeners (name, kind) values ('noc', 'webhook')`);
    const occasions = new Set<string>();
    for (let day = 1; day <= 2; day++) {
      await stack.sql(`select note_event('report.changed', 'AGAIN-1', 1, null, '{}')`);
      for (const [, , occasion] of await fail('noc', { reason: '400', ends: 'givenUp' })) occasions.add(occasion);
    }
    expect(occasions.size).toBe(2);
    await stack.sql(`select note_event('report.changed', 'AGAIN-' || n, 1, null, '{}') from generate_series(2, 3) n`);
    for (let parking = 1; parking <= 2; parking++) {
      const endings = await fail('noc', { reason: '410', ends: 'parked' });
      expect(new Set(endings.map(([, outcome]) => outcome))).toEqual(new Set(['parked']));
      for (const [, , occasion] of endings) occasions.add(occasion);
      await stores.events.resume('noc');
      await stack.sql('update deliveries set claimed_until = null');
    }
    expect(occasions.size).toBe(4);
  });
});

test('programs that register the same hub listener at once get the same id', async () => {
  const listener = (name: string) => ({ name, types: ['report.closed'], callback: 'https://crm.example', query: null });
  const names = await Promise.all(['a', 'b', 'c'].map((name) => stores.events.addHubListener(listener(name))));
  expect(new Set(names).size).toBe(1);
  // One whose removal was cut off gets no events, so the next registration is a new one.
  await stack.sql(`update listeners set types = '{}' where name = $1`, [names[0]]);
  expect(await stores.events.addHubListener(listener('d'))).toBe('d');
});
