/** How far each external system was read, which tickets are to be read again, and when it may be asked next. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { CloseoutError } from '../contract/errors.js';
import { hour, minute, second } from '../policy/time.js';
import type { Db } from './database/database.js';
import { leaseSeconds, withLease } from './lease.js';

/** How far a system was read. */
export interface SystemState {
  name: string;
  mark: string | null;
  polledAt: Date | null;
  comparedAt: Date | null;
  failingSince: Date | null;
  reason: string | null;
}

/** What there is to read in a system. */
export interface Due {
  cursor: string | undefined;
  isPollDue: boolean;
  isCompareDue: boolean;
}

export interface Hint {
  ticketId: string;
  at: Date;
}

export interface SystemStates {
  /**
   * Reads a system if something is due, while no other process does. Why it failed is recorded in our own words; an error that is not
   * ours is thrown, too. Nothing is recorded of a reading that was stopped.
   */
  whenDue(system: string, pollEvery: number, read: (due: Due) => Promise<'read' | 'stopped'>): Promise<void>;
  /** What changed up to the cursor was read, and there is more. */
  reached(system: string, cursor: string | undefined): Promise<void>;
  /** All that changed was read; the cursor is where the next poll begins. */
  polled(system: string, cursor: string | undefined): Promise<void>;
  /** Every open ticket was looked at. */
  compared(system: string): Promise<void>;
  states(): Promise<SystemState[]>;
  /** Clears the failure of every other system: no file names it any more, so it is no longer read. */
  clearFailuresExcept(systems: string[]): Promise<void>;
  /** Tickets may have changed: to be read, soon or after `delay` ms. */
  hint(system: string, ticketIds: string[], delay?: number): Promise<void>;
  /** Those that are due, the oldest first. */
  hints(system: string, limit: number): Promise<Hint[]>;
  /** Unless another hint has come since. */
  dropHint(system: string, hint: Hint): Promise<void>;
  /** The ticket could not be read: to be tried again, at longer and longer intervals. */
  postponeHint(system: string, hint: Hint): Promise<void>;
  /** When all processes together may ask the system next (systems/pace.ts). */
  paceOf(system: string, perSecond: number): Pace;
}

export interface Pace {
  /** Reserves the next request, and returns for how long to wait for it; ms. Undefined if that is longer than `maxWait`. */
  next: (maxWait: number) => Promise<number | undefined>;
  /** The system asks for a pause; ms. */
  holdOff: (pause: number) => Promise<void>;
}

const compareEvery = hour;

const now = sql<Date>`now()`;
const claimedUntil = sql<Date>`now() + ${leaseSeconds} * interval '1 second'`;
const fromNow = (ms: number) => sql<Date>`clock_timestamp() + ${ms / second} * interval '1 second'`;

export function systemStates(db: Db): SystemStates {
  const update = (name: string) => db.updateTable('systems').where('name', '=', name);
  return {
    whenDue: (system, pollEvery, read) => whenDue(db, system, pollEvery, read),

    async reached(system, cursor) {
      await update(system).set({ mark: cursor }).execute();
    },

    async polled(system, cursor) {
      await update(system).set({ mark: cursor, polledAt: now }).execute();
    },

    async compared(system) {
      await update(system).set({ comparedAt: now }).execute();
    },

    states: () =>
      db
        .selectFrom('systems')
        .select(['name', 'mark', 'polledAt', 'comparedAt', 'failingSince', 'reason'])
        .orderBy('name')
        .execute(),

    async clearFailuresExcept(systems) {
      await sql`
        update systems set failing_since = null, reason = null
        where failing_since is not null and not (name = any(${systems}))`.execute(db);
    },

    hint: (system, ticketIds, delay) => hint(db, system, ticketIds, delay),

    hints: (system, limit) =>
      db
        .selectFrom('systemHints')
        .select(['ticketId', 'at'])
        .where('system', '=', system)
        .where('dueAt', '<=', now)
        .orderBy('at')
        .limit(limit)
        .execute(),

    async dropHint(system, { ticketId, at }) {
      await db
        .deleteFrom('systemHints')
        .where('system', '=', system)
        .where('ticketId', '=', ticketId)
        .where(sql<Date>`date_trunc('milliseconds', at)`, '=', at)
        .execute();
    },

    async postponeHint(system, { ticketId }) {
      const pause = sql<number>`least(${(10 * minute) / second}, 2 ^ least(failures, 20))`;
      await db
        .updateTable('systemHints')
        .set({
          failures: sql<number>`failures + 1`,
          dueAt: sql<Date>`clock_timestamp() + ${pause} * interval '1 second'`,
        })
        .where('system', '=', system)
        .where('ticketId', '=', ticketId)
        .execute();
    },

    paceOf: (system, perSecond) => sharedPace(db, system, perSecond),
  };
}

async function whenDue(
  db: Db,
  system: string,
  pollEvery: number,
  read: (due: Due) => Promise<'read' | 'stopped'>,
): Promise<void> {
  const claimedBy = randomUUID();
  const ours = () => db.updateTable('systems').where('name', '=', system).where('claimedBy', '=', claimedBy);
  const succeeded = { failingSince: null, reason: null };
  const failed = { polledAt: now, failingSince: sql<Date>`coalesce(failing_since, now())` };
  let due: Due | undefined;
  let failure: string | undefined;
  let isStopped = false;
  const lease = {
    take: async () => {
      due = await claim(db, system, pollEvery, claimedBy);
      return due !== undefined;
    },
    renew: () => ours().set({ claimedUntil }).execute(),
    release: () =>
      ours()
        .set({ claimedBy: null, claimedUntil: null })
        .set(isStopped ? {} : failure === undefined ? succeeded : { ...failed, reason: failure })
        .execute(),
  };
  await withLease(lease, async () => {
    try {
      if (due) isStopped = (await read(due)) === 'stopped';
    } catch (error) {
      const isOurs = error instanceof CloseoutError;
      // What the system said may be about a customer.
      failure = isOurs ? `${error.code}: ${error.message}` : `Unexpected: ${(error as Error).name}`;
      if (!isOurs) throw error;
    }
  });
}

async function claim(db: Db, system: string, pollEvery: number, claimedBy: string): Promise<Due | undefined> {
  await db
    .insertInto('systems')
    .values({ name: system })
    .onConflict((c) => c.doNothing())
    .execute();
  const isDue = (column: string, every: number) =>
    sql<boolean>`(${sql.ref(column)} is null or ${sql.ref(column)} < now() - ${every / second} * interval '1 second')`;
  const isPollDue = isDue('polled_at', pollEvery);
  // Not while the system fails: then a hint would be tried without a pause.
  const isHinted = sql<boolean>`(failing_since is null
    and exists (select from system_hints where system = name and due_at <= now()))`;
  const due = await db
    .updateTable('systems')
    .set({ claimedBy, claimedUntil })
    .where('name', '=', system)
    .where((eb) => eb.or([eb('claimedUntil', 'is', null), eb('claimedUntil', '<', now)]))
    .where((eb) => eb.or([isPollDue, isHinted]))
    .returning(['mark', isPollDue.as('isPollDue'), isDue('compared_at', compareEvery).as('isCompareDue')])
    .executeTakeFirst();
  return due && { ...due, cursor: due.mark ?? undefined };
}

function sharedPace(db: Db, system: string, perSecond: number): Pace {
  const interval = sql`${1 / perSecond} * interval '1 second'`;
  return {
    async next(maxWait) {
      const { rows } = await sql<{ wait: number }>`
        insert into systems as s (name, next_at) values (${system}, clock_timestamp() + ${interval})
        on conflict (name) do update set next_at = greatest(s.next_at, clock_timestamp()) + ${interval}
          where s.next_at is null or s.next_at < ${fromNow(maxWait)}
        returning extract(epoch from next_at - ${interval} - clock_timestamp())::float8 * 1000 as wait`.execute(db);
      return rows[0] && Math.max(0, rows[0].wait);
    },

    async holdOff(pause) {
      await db
        .updateTable('systems')
        .set({ nextAt: sql<Date>`greatest(next_at, ${fromNow(pause)})` }) // what is reserved already stays reserved
        .where('name', '=', system)
        .execute();
    },
  };
}

export async function hint(db: Db, system: string, ticketIds: string[], delay = 0): Promise<void> {
  if (ticketIds.length === 0) return;
  await sql`
    insert into system_hints (system, ticket_id, due_at)
      select ${system}, id, ${fromNow(delay)} from unnest(${[...new Set(ticketIds)]}::text[]) id
    on conflict (system, ticket_id) do update
      set at = clock_timestamp(), due_at = excluded.due_at, failures = 0`.execute(db);
}
