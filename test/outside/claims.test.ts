/** What several processes do at the same time: read one system, remove a listener, deliver events again. */
import type pg from 'pg';
import { openDatabase, type Db } from '../../src/outside/database/database.js';
import { openStores, type Stores } from '../../src/outside/stores.js';
import { loadConfig } from '../../src/setup/config.js';
import { noSweep } from '../stack/no-sweep.js';
import { openSession } from '../stack/session.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

let stack: Stack;
let db: Db;
let stores: Stores;
let other: pg.Client;
beforeAll(async () => {
  stack = await Stack.start({ env: noSweep });
  const { databaseUrl, addressKey } = loadConfig({ ...stack.env });
  db = openDatabase(databaseUrl, () => undefined);
  stores = openStores(db, addressKey);
  other = await openSession(stack);
});
afterAll(async () => {
  await other.end();
  await db.destroy();
  await stack.end();
});

describe('a ticket system', () => {
  const claim = async () => {
    const [row] = await stack.sql<{ by: string | null; until: Date | null }>(
      `select claimed_by as by, claimed_until as until from systems where name = 'desk'`,
    );
    return row;
  };

  test('is read by one process, however long that takes', async () => {
    let readings = 0;
    await stores.systemStates.whenDue('desk', 1, async () => {
      readings++;
      const before = (await claim())?.until ?? new Date(0);
      await until('the claim to be renewed', async () => ((await claim())?.until ?? 0) > before);
      await stores.systemStates.whenDue('desk', 1, () => {
        readings++;
        return Promise.resolve('read');
      });
      return 'read';
    });
    expect(readings).toBe(1);
    expect(await claim()).toEqual({ by: null, until: null });
  });

  test('that no file names any more does not fail', async () => {
    await stack.sql(`insert into systems (name, failing_since, reason) values ('gone', now(), 'no answer')`);
    await stores.systemStates.clearFailuresExcept(['desk']);
    const states = await stores.systemStates.states();
    expect(states.find(({ name }) => name === 'gone')).toMatchObject({ failingSince: null, reason: null });
  });

  test('whose reading another process has taken over is left to that one', async () => {
    await stores.systemStates.whenDue('desk', 0, async () => {
      await stack.sql(`update systems set claimed_by = 'another', claimed_until = now() + interval '1 minute'`);
      return 'read';
    });
    expect(await claim()).toMatchObject({ by: 'another' });
  });
});

test('an alarm that another process has taken over is left to that one', async () => {
  const work = stores.alarms.exclusively('source', 'fingerprint', async (assertHeld) => {
    await assertHeld();
    await stack.sql(`update alarms set claimed_by = 'another'`);
    await assertHeld();
  });
  await expect(work).rejects.toMatchObject({ code: 'SystemUnavailable' });
  expect(await stack.sql('select claimed_by as by from alarms')).toEqual([{ by: 'another' }]);
});

describe('a listener', () => {
  /** Parked, so that nothing is sent to it. */
  const listen = async (name: string) => {
    await stores.events.addHubListener({
      name,
      types: ['report.opened'],
      callback: 'https://crm.example',
      query: null,
    });
    await stack.sql('update listeners set parked_at = now() where name = $1', [name]);
  };
  const waitingFor = async (name: string) =>
    (await stores.events.status()).find((listener) => listener.name === name)?.waiting;
  /** Many have the same time. */
  const addEvents = (count: number) =>
    stack.sql(
      `insert into events (type, report_id, cycle, at)
      select 'report.opened', 'MANY', 1, now() - n / 7000 * interval '1 minute' from generate_series(1, $1::int) n`,
      [count],
    );

  test('is removed while a report is opened: the report waits, and is stored', async () => {
    await listen('hub-1');
    await other.query('begin');
    await other.query(`delete from listeners where name = 'hub-1'`);
    const opened = until('the report to be opened', () => stack.open('MEETS-1')); // it waits for a lock for three seconds
    await until('the report to wait', async () => {
      const waiting = await stack.sql(`select from pg_stat_activity where wait_event_type = 'Lock'`);
      return waiting.length > 0;
    });
    await other.query('commit');
    await opened;
    expect(await stack.sql(`select type from events where report_id = 'MEETS-1'`)).toEqual([{ type: 'report.opened' }]);
    expect(await stack.sql('select from deliveries')).toEqual([]);
  });

  test('gets many events again, and each once; then is removed with all that waits for it', async () => {
    await listen('hub-2');
    await addEvents(25_000);
    const since = new Date(Date.now() - 3_600_000);
    const count = await stores.events.replay(since);
    expect(count).toBeGreaterThanOrEqual(25_000);
    expect(await waitingFor('hub-2')).toBe(count);
    expect(await stores.events.replay(since)).toBe(0);
    expect(await stores.events.removeHubListener('hub-2')).toBe(true);
    expect(await stack.sql('select from deliveries')).toEqual([]);
    expect(await stores.events.removeHubListener('hub-2')).toBe(false);
  });
});
