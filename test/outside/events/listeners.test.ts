/** Who gets events, and what happens if they fail. */
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

test('programs that register the same hub listener at once get the same id', async () => {
  const listener = (name: string) => ({ name, types: ['report.closed'], callback: 'https://crm.example', query: null });
  const names = await Promise.all(['a', 'b', 'c'].map((name) => stores.events.addHubListener(listener(name))));
  expect(new Set(names).size).toBe(1);
  // One whose removal was cut off gets no events, so the next registration is a new one.
  await stack.sql(`update listeners set types = '{}' where name = $1`, [names[0]]);
  expect(await stores.events.addHubListener(listener('d'))).toBe('d');
});
