/** What the ledger holds after writes that come too late. */
import { CloseoutError } from '../../src/contract/errors.js';
import type { Report } from '../../src/contract/reports.js';
import { openDatabase, type Db } from '../../src/outside/database/database.js';
import { openStores } from '../../src/outside/stores.js';
import { closingMarker } from '../../src/contract/ids.js';
import type { Ledger } from '../../src/outside/reports/ledger.js';
import type { ReportStore } from '../../src/outside/reports/store.js';
import { loadConfig } from '../../src/setup/config.js';
import { loadPolicy } from '../../src/setup/policy-file.js';
import { noSweep } from '../stack/no-sweep.js';
import { Stack } from '../stack/stack.js';

let stack: Stack;
let db: Db;
let ledger: Ledger;
let reports: ReportStore;
beforeAll(async () => {
  stack = await Stack.start({ env: noSweep });
  const { databaseUrl, addressKey } = loadConfig({ ...stack.env });
  db = openDatabase(databaseUrl, () => undefined);
  ({ ledger, reports } = openStores(db, addressKey));
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
      { reportId, runId: 'our-run', cycle: 1, rev: 1, write: `close ${at}` },
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
  const fence = (rev: number, write: string) => ({ reportId, runId: 'our-run', cycle: 1, rev, write });
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
      { reportId, runId: 'our-run', cycle: 1, rev, write: `clear ${rev}` },
      { at: clearedAt, receivedAt: at },
      { kind: 'cleared', source: 'monitor', receivedAt: at },
    );
  expect(await clear(1)).toMatchObject({ isSuperseded: false, row: { state: 'cleared', status: 'resolved' } });
  for (const status of ['inProgress', 'cancelled']) {
    await stack.sql('update reports set status = $2 where id = $1', [reportId, status]);
    expect(await clear(2)).toMatchObject({ isSuperseded: true, row: { status, rev: 1 } });
  }
});

/** A report that belongs to our run. */
async function taken(reportId: string): Promise<string> {
  await stack.open(reportId);
  await stack.untilPhase(reportId, 'open', 1);
  await ledger.takeOver(reportId, 'our-run');
  return reportId;
}

const fenceOf = (reportId: string, rev: number, write = `write ${rev}`) => ({
  reportId,
  runId: 'our-run',
  cycle: 1,
  rev,
  write,
});

test('a hold waits for a closing of the ticket that is under way', async () => {
  const reportId = await taken('MOVING-1');
  const since = new Date().toISOString();
  const hold = () => ledger.record(fenceOf(reportId, 1), { hold: { by: 'eve', since } });
  const move = (to: string, seconds: number) =>
    stack.sql(`update reports set moving_to = $2, moving_until = now() + $3 * interval '1 second' where id = $1`, [
      reportId,
      to,
      seconds,
    ]);
  const clearedAt = new Date();
  await stack.sql('update reports set cleared_at = $2 where id = $1', [reportId, clearedAt]);
  await move(closingMarker(reportId, 1, clearedAt), 60);
  await expect(hold()).rejects.toMatchObject({ code: 'SystemUnavailable' });
  await move(closingMarker(reportId, 1, clearedAt), -1);
  expect(await hold()).toMatchObject({ isSuperseded: false, row: { hold: { by: 'eve' } } });
});

test('a report that is left is closed in its cycle once, and its customer is not asked', async () => {
  const reportId = await taken('LEFT-1');
  const at = new Date().toISOString();
  const closing = { clearing: { at, receivedAt: at }, isConfirmed: false };
  await ledger.close(fenceOf(reportId, 1), closing, loadPolicy(undefined));
  await ledger.reopen(fenceOf(reportId, 2), { kind: 'reopened', source: 'desk', receivedAt: at });
  for (let n = 0; n < 2; n++) {
    const left = await ledger.endByHand(fenceOf(reportId, 3), { by: 'eve', note: 'stays closed' });
    expect(left.row).toMatchObject({ state: 'closed', status: 'closed', cycle: 2, expectedAt: null });
  }
  const history = `select by, reason from status_changes where report_id = $1 and cycle = 2 and status = 'closed'`;
  expect(await stack.sql(history, [reportId])).toEqual([{ by: 'eve', reason: 'stays closed' }]);
  const survey = 'select state, reason from surveys where report_id = $1 and cycle = 2';
  expect(await stack.sql(survey, [reportId])).toEqual([{ state: 'skipped', reason: 'byOperator' }]);
});

test('a run that looks its report up is not stuck, however late it writes', async () => {
  const reportId = await taken('PATIENT-1');
  const wakesOf = async () =>
    stack.sql('select wakes, expected_at > now() as is_expected from reports where id = $1', [reportId]);
  const wake = (expected: string) =>
    stack.sql(`update reports set wakes = 4, expected_at = now() + $2::interval where id = $1`, [reportId, expected]);
  await wake('1 hour');
  await ledger.takeOver(reportId, 'our-run');
  expect(await wakesOf()).toEqual([{ wakes: 4, is_expected: true }]);
  await wake('-1 hour');
  await ledger.takeOver(reportId, 'our-run');
  expect(await wakesOf()).toEqual([{ wakes: 0, is_expected: true }]);
});

test('the reason of a clearing is kept also if its customer is asked first', async () => {
  const reportId = await taken('REASON-1');
  const at = new Date().toISOString();
  // A program may use the id of its incident for several reports.
  for (const [id, reason] of [
    [await taken('REASON-2'), 'of another customer'],
    [reportId, 'card replaced'],
  ] as const)
    await reports.addReason(id, 'reason-1', reason);
  const change = { kind: 'cleared' as const, source: 'desk', receivedAt: at, id: 'reason-1', hasReason: true };
  const { row } = await ledger.clear(fenceOf(reportId, 1), { at, receivedAt: at }, change);
  expect(row).toMatchObject({ status: 'resolved', statusReason: 'card replaced' });
  const history = `select reason from status_changes where report_id = $1 and status = 'resolved'`;
  expect(await stack.sql(history, [reportId])).toEqual([{ reason: 'card replaced' }]);
});

test('attributes stay as they are if the report has changed since the request was checked', async () => {
  const reportId = await taken('CHECKED-1');
  const refuse = (report: Report) => {
    throw new CloseoutError('StatusConflict', `Report ${report.id} is ${report.status}.`);
  };
  await expect(reports.update(reportId, { severity: 'other' }, refuse)).rejects.toThrow('CHECKED-1 is acknowledged');
  expect((await reports.get(reportId)).severity).not.toBe('other');
});

test('a step that waited for an operator is tried again by the next run', async () => {
  const reportId = await taken('PARKED-1');
  const attention = {
    step: 'openFollowUp',
    code: 'SystemRefused' as const,
    failure: 'refused',
    since: '2026-11-27T08:00:00Z',
  };
  await ledger.record(fenceOf(reportId, 1), { attention });
  expect(await ledger.takeOver(reportId, 'our-run')).toMatchObject({ attention });
  expect(await ledger.takeOver(reportId, 'the-next-run')).toMatchObject({ attention: null });
});

test('a customer who is asked again and again about one clearing is one change to those who listen', async () => {
  const reportId = await taken('ASKED-1');
  const at = new Date().toISOString();
  const clear = (rev: number) => ledger.clear(fenceOf(reportId, rev, `clear ${at}`), { at, receivedAt: at });
  await clear(1);
  const noted = () => stack.sql('select type from events where report_id = $1', [reportId]);
  const before = await noted();
  for (const rev of [2, 3, 4]) expect((await clear(rev)).row).toMatchObject({ state: 'cleared', rev });
  expect(await noted()).toEqual(before);
});
