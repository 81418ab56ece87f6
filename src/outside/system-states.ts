/** How far each external system was read, which tickets are to be read again, and when it may be asked next. */
import { sql } from 'kysely';
import { hour, minute, second } from '../policy/time.js';
import type { Db } from './database/database.js';

/** How far a system was read. */
export interface SystemState {
  name: string;
  mark: string | null;
  polledAt: Date | null;
  comparedAt: Date | null;
  failingSince: Date | null;
  reason: string | null;
}

/** What there is to do in a system. */
export interface Claim {
  mark: string | undefined;
  isPollDue: boolean;
  isCompareDue: boolean;
}

export interface Hint {
  ticketId: string;
  at: Date;
}

export interface SystemStates {
  /** Reserves the reading of a system to this process, if there is something to do. Renewed by `renew`. */
  claim(system: string, pollEvery: number): Promise<Claim | undefined>;
  renew(system: string): Promise<void>;
  /** All that changed up to a mark was read. */
  polled(system: string, mark: string | undefined): Promise<void>;
  /** Every open ticket was looked at. */
  compared(system: string): Promise<void>;
  /** Ends the claim. `failure`: in our own words. */
  release(system: string, failure?: string): Promise<void>;
  states(): Promise<SystemState[]>;
  /** Tickets may have changed: to be read, soon or after `delay` ms. */
  hint(system: string, ticketIds: string[], delay?: number): Promise<void>;
  /** Those that are due, the oldest first. */
  hints(system: string, limit: number): Promise<Hint[]>;
  /** Unless another hint has come since. */
  dropHint(system: string, hint: Hint): Promise<void>;
  /** The ticket could not be read: to be tried again, at longer and longer intervals. */
  postponeHint(system: string, hint: Hint): Promise<void>;
  /** When all processes together may ask the system next (systems/pace.ts). */
  paceOf(system: string, perSecond: number): SharedPace;
}

export interface SharedPace {
  next: (patience: number) => Promise<number | undefined>;
  holdOff: (pause: number) => Promise<void>;
}

/** A process that reads a system renews its claim more often than that; s. */
const claimSeconds = 60;
const compareEvery = hour;

const now = sql<Date>`now()`;
const fromNow = (ms: number) => sql<Date>`clock_timestamp() + ${ms / second} * interval '1 second'`;

export function systemStates(db: Db): SystemStates {
  const update = (name: string) => db.updateTable('systems').where('name', '=', name);
  return {
    async claim(system, pollEvery) {
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
      const claimed = await update(system)
        .set({ claimedUntil: sql<Date>`now() + ${claimSeconds} * interval '1 second'` })
        .where((eb) => eb.or([eb('claimedUntil', 'is', null), eb('claimedUntil', '<', now)]))
        .where((eb) => eb.or([isPollDue, isHinted]))
        .returning(['mark', isPollDue.as('isPollDue'), isDue('compared_at', compareEvery).as('isCompareDue')])
        .executeTakeFirst();
      return claimed && { ...claimed, mark: claimed.mark ?? undefined };
    },

    async renew(system) {
      await update(system)
        .set({ claimedUntil: sql<Date>`now() + ${claimSeconds} * interval '1 second'` })
        .execute();
    },

    async polled(system, mark) {
      await update(system).set({ mark, polledAt: now }).execute();
    },

    async compared(system) {
      await update(system).set({ comparedAt: now }).execute();
    },

    async release(system, failure) {
      const failed = { polledAt: now, failingSince: sql<Date>`coalesce(failing_since, now())`, reason: failure };
      const outcome = failure === undefined ? { failingSince: null, reason: null } : failed;
      await update(system)
        .set({ claimedUntil: null, ...outcome })
        .execute();
    },

    states: () =>
      db
        .selectFrom('systems')
        .select(['name', 'mark', 'polledAt', 'comparedAt', 'failingSince', 'reason'])
        .orderBy('name')
        .execute(),

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

function sharedPace(db: Db, system: string, perSecond: number): SharedPace {
  const interval = sql`${1 / perSecond} * interval '1 second'`;
  return {
    async next(patience) {
      const { rows } = await sql<{ wait: number }>`
        insert into systems as s (name, next_at) values (${system}, clock_timestamp() + ${interval})
        on conflict (name) do update set next_at = greatest(s.next_at, clock_timestamp()) + ${interval}
          where s.next_at is null or s.next_at < ${fromNow(patience)}
        returning extract(epoch from next_at - ${interval} - clock_timestamp())::float8 * 1000 as wait`.execute(db);
      return rows[0] && Math.max(0, rows[0].wait);
    },

    async holdOff(pause) {
      await db
        .updateTable('systems')
        .set({ nextAt: fromNow(pause) })
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
