/** Which report each alarm is about, and which of its firings was last seen. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { CloseoutError } from '../contract/errors.js';
import { second } from '../policy/time.js';
import type { Db } from './database/database.js';
import { leaseSeconds, withLease } from './lease.js';

type AssertHeld = () => Promise<void>;

export interface KnownAlarm {
  reportId: string;
  startsAt: Date;
  /** 1 for the first time with this start, which stays the same while Prometheus cannot reach Alertmanager. */
  firings: number;
  /** Undefined while it fires. */
  endedAt?: Date;
}

export interface AlarmTable {
  /** Undefined until a report was opened. */
  find(source: string, fingerprint: string): Promise<KnownAlarm | undefined>;
  /** The report that this firing is about, and how often the alarm has fired with this start. */
  set(source: string, fingerprint: string, firing: Omit<KnownAlarm, 'endedAt'>): Promise<void>;
  /** Records that it has ended. Safe to repeat: the first time counts. */
  noteEnd(source: string, fingerprint: string): Promise<void>;
  /**
   * Runs `work` while no other process handles the alarm: both Alertmanagers of a pair send it at the same time. Throws
   * `SystemUnavailable` if another process handles it for too long. So does `assertHeld`: a process that was stopped for a while
   * may have lost the lease.
   */
  exclusively<T>(source: string, fingerprint: string, work: (assertHeld: AssertHeld) => Promise<T>): Promise<T>;
}

export function alarmTable(db: Db): AlarmTable {
  return {
    async find(source, fingerprint) {
      const row = await db
        .selectFrom('alarms')
        .select(['reportId', 'startsAt', 'firings', 'endedAt'])
        .where('source', '=', source)
        .where('fingerprint', '=', fingerprint)
        .executeTakeFirst();
      const { reportId, startsAt, endedAt, firings = 1 } = row ?? {};
      return reportId && startsAt ? { reportId, startsAt, firings, endedAt: endedAt ?? undefined } : undefined;
    },

    async set(source, fingerprint, { startsAt, reportId, firings }) {
      const firing = { startsAt, reportId, firings, endedAt: null };
      await db
        .insertInto('alarms')
        .values({ source, fingerprint, ...firing })
        .onConflict((c) => c.columns(['source', 'fingerprint']).doUpdateSet(firing))
        .execute();
    },

    async noteEnd(source, fingerprint) {
      await db
        .updateTable('alarms')
        .set({ endedAt: sql<Date>`coalesce(ended_at, now())` })
        .where('source', '=', source)
        .where('fingerprint', '=', fingerprint)
        .execute();
    },

    exclusively: (source, fingerprint, work) => exclusively(db, source, fingerprint, work),
  };
}

/** For as long as a webhook of Alertmanager waits. */
const lockTimeout = 10 * second;

async function exclusively<T>(
  db: Db,
  source: string,
  fingerprint: string,
  work: (assertHeld: AssertHeld) => Promise<T>,
): Promise<T> {
  const claimedBy = randomUUID();
  const claimedUntil = sql<Date>`now() + ${leaseSeconds} * interval '1 second'`;
  const ours = () =>
    db
      .updateTable('alarms')
      .where('source', '=', source)
      .where('fingerprint', '=', fingerprint)
      .where('claimedBy', '=', claimedBy);
  const renew = () => ours().set({ claimedUntil }).executeTakeFirst();
  const lease = {
    take: async () => {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('alarms')
        .values({ source, fingerprint, claimedBy, claimedUntil })
        .onConflict((c) =>
          c
            .columns(['source', 'fingerprint'])
            .doUpdateSet({ claimedBy, claimedUntil })
            .where(sql<boolean>`alarms.claimed_until is null or alarms.claimed_until < now()`),
        )
        .executeTakeFirst();
      return (numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    renew,
    // An end that nobody had seen begin leaves nothing behind.
    release: async () => {
      await db
        .deleteFrom('alarms')
        .where('source', '=', source)
        .where('fingerprint', '=', fingerprint)
        .where('claimedBy', '=', claimedBy)
        .where('reportId', 'is', null)
        .execute();
      await ours().set({ claimedBy: null, claimedUntil: null }).execute();
    },
  };
  const assertHeld = async () => {
    if ((await renew()).numUpdatedRows === 0n) throw stillHandled();
  };
  for (const end = performance.now() + lockTimeout; performance.now() < end; await pause(100)) {
    const held = await withLease(lease, () => work(assertHeld));
    if (held) return held.done;
  }
  throw stillHandled();
}

function stillHandled(): CloseoutError {
  return new CloseoutError('SystemUnavailable', 'This alarm is still being handled; send it again.');
}
