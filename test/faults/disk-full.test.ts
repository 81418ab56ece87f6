/** The disk of PostgreSQL is full, for its tables and for its log. A disk of its own needs root and `mount`. */
import { spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { workflowIdOf } from '../../src/contract/ids.js';
import { brokenInvariants } from '../stack/invariants.js';
import { retryNow } from '../stack/retry-now.js';
import { Stack } from '../stack/stack.js';
import { callApi, ticketPath } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';

const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const canMount = process.getuid?.() === 0 && run('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir());

let stack: Stack;
let data: string;
beforeAll(async () => {
  stack = await Stack.start({ policy: 'default: { survey: { contactCap: null } }' });
  await stack.down();
  data = await realpath(join(stack.dataDir, 'postgres'));
  if (canMount) await moveToSmallDisk(data);
  await stack.up();
});
afterAll(async () => {
  await stack.down();
  run('umount', '--lazy', data);
  await stack.end();
});

async function moveToSmallDisk(folder: string): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), 'closeout-test-disk-'));
  run('cp', '-a', `${folder}/.`, copy);
  run('mount', '-t', 'tmpfs', '-o', 'size=160m,mode=0700', 'tmpfs', folder);
  run('cp', '-a', `${copy}/.`, folder);
  await rm(copy, { recursive: true });
}

const filler = () => join(data, 'filler');
const zeros = Readable.from(
  (function* () {
    for (;;) yield Buffer.alloc(8192);
  })(),
);
/** Writes until nothing more fits. */
const fillDisk = () => expect(pipeline(zeros, createWriteStream(filler()))).rejects.toThrow('ENOSPC');

const about = 'a full disk is waited for, and callers learn that nothing was stored';
const skipped = 'Only root may mount a small disk, so a full one was not tried';

(canMount ? test : test.skip)(
  canMount ? about : skipped,
  async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => stack.open(`FULL-${n}`)));
    await fillDisk();
    const ticket = (description: string) => ({ description, severity: 'minor', ticketType: 'fault' });
    const refused = await until('a request to be refused', async () => {
      const description = `${Math.random()} ${'x'.repeat(2000)}`;
      const { status, body } = await callApi(stack, 'POST', ticketPath, ticket(description));
      return status === 201 ? undefined : { description, status, body };
    });
    expect(refused).toMatchObject({ status: 503, body: { code: 'DatabaseUnavailable' } });
    for (const id of ids) await stack.temporal.workflow.getHandle(workflowIdOf(id)).signal('cleared');
    await until('PostgreSQL to end, as its log has no place either', async () => {
      // More segments than the disk has room for, faster than a checkpoint recycles them; one without a record would not be switched.
      const fillLog = "select pg_logical_emit_message(false, 'test', ''), pg_switch_wal() from generate_series(1, 50)";
      await stack.sql(fillLog).catch(() => undefined);
      return stack.log.includes('PostgreSQL: ended');
    });

    await rm(filler());
    await until('the database', () => stack.sql('select'));
    for (const id of ids) await retryNow(stack, id); // by now, a closing may be retried only once a minute
    for (const id of ids) await stack.untilSurvey(id, 'sent');
    expect(await brokenInvariants(stack)).toEqual([]);
    expect(await stack.sql(`select id from reports where description = '${refused.description}'`)).toEqual([]);
  },
  300_000,
);
