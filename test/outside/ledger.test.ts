/** What the ledger holds after writes that come too late. */
import { openDatabase, type Db } from '../../src/outside/database/database.js';
import { openStores } from '../../src/outside/stores.js';
import type { Ledger } from '../../src/outside/reports/ledger.js';
import { loadConfig } from '../../src/setup/config.js';
import { loadPolicy } from '../../src/setup/policy-file.js';
import { Stack } from '../stack/stack.js';

let stack: Stack;
let db: Db;
let ledger: Ledger;
beforeAll(async () => {
  stack = await Stack.start({ env: { CLOSEOUT_WATCH_SECONDS: '100000' } });
  const { databaseUrl, addressKey } = loadConfig({ ...stack.env });
  db = openDatabase(databaseUrl, () => undefined);
  ({ ledger } = openStores(db, addressKey));
});
afterAll(async () => {
  await db.destroy();
  await stack.end();
});

test('a closing that is prepared again and again is one change to those who listen', async () => {
  const reportId = await stack.open('PREPARED-1');
  await stack.untilPhase(reportId, 'open', 1);
  await ledger.takeOver(reportId, 'our-run');
  const at = new Date().toISOString();
  const prepare = () =>
    ledger.close(
      { reportId, runId: 'our-run', cycle: 1, rev: 1, what: `close ${at}` },
      { clearing: { at, receivedAt: at }, isConfirmed: false, isPreparation: true },
      loadPolicy(undefined),
    );
  expect((await prepare()).row).toMatchObject({ state: 'cleared', status: 'resolved' });
  const noted = () => stack.sql('select type from events where report_id = $1', [reportId]);
  const before = await noted();
  for (let n = 0; n < 3; n++) await prepare();
  expect(await noted()).toEqual(before);
});

test('what comes after the closing changes nothing but the number of the last change', async () => {
  const reportId = await stack.open('LATE-1');
  await stack.untilPhase(reportId, 'open', 1);
  await ledger.takeOver(reportId, 'our-run');
  const fence = (rev: number, what: string) => ({ reportId, runId: 'our-run', cycle: 1, rev, what });
  const at = new Date().toISOString();
  const closing = { clearing: { at, receivedAt: at }, isConfirmed: false };
  const policyFor = loadPolicy(undefined);
  const closed = await ledger.close(fence(1, 'close'), closing, policyFor);
  expect(closed.row).toMatchObject({ state: 'closed', rev: 1 });
  const cancelled = await ledger.cancel(fence(2, 'cancelReport'), {
    kind: 'cancelled',
    source: 'desk',
    receivedAt: at,
  });
  expect(cancelled).toMatchObject({ isSuperseded: false, row: { state: 'closed', status: 'closed', rev: 2 } });
  const operation = { name: 'hold' as const, by: 'eve' };
  const held = await ledger.record(fence(3, 'decision'), { hold: { by: 'eve', since: at }, operation });
  expect(held).toMatchObject({ isSuperseded: false, row: { state: 'closed', hold: null, rev: 3 } });
  expect(await stack.sql('select from operations')).toEqual([]);
  const again = await ledger.close(fence(4, 'close again'), closing, policyFor);
  expect(again).toMatchObject({ isSuperseded: false, row: { closedAt: closed.row.closedAt, rev: 4 } });
});

test('a report that another program has opened again, or cancelled, is not cleared', async () => {
  const reportId = await stack.open('AGAIN-1');
  await stack.untilPhase(reportId, 'open', 1);
  await ledger.takeOver(reportId, 'our-run');
  const at = new Date().toISOString();
  const clear = (rev: number, clearedAt = at) =>
    ledger.clear(
      { reportId, runId: 'our-run', cycle: 1, rev, what: `clear ${rev}` },
      { at: clearedAt, receivedAt: at },
      { kind: 'cleared', source: 'monitor', receivedAt: at },
    );
  expect(await clear(1)).toMatchObject({ isSuperseded: false, row: { state: 'cleared', status: 'resolved' } });
  for (const status of ['inProgress', 'cancelled']) {
    await stack.sql('update reports set status = $2 where id = $1', [reportId, status]);
    expect(await clear(2)).toMatchObject({ isSuperseded: true, row: { status, rev: 1 } });
  }
});
