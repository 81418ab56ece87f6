/** How far each external system was read, and which tickets are to be read again. */
import { sql } from 'kysely';
import { second } from '../policy/time.js';
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

export interface SystemStates {
  /** Reserves the reading of a system to this process, if it is due. Renewed by asking again. */
  claim(system: string, isDueAfter: number): Promise<SystemState | undefined>;
  /** Reserves it for longer. */
  renew(system: string): Promise<void>;
  /** How far it was read. `compared`: every open ticket was looked at; `polled`: all that changed since the mark. */
  read(system: string, mark: string | undefined, compared: boolean, polled: boolean): Promise<void>;
  failed(system: string, reason: string): Promise<void>;
  states(): Promise<SystemState[]>;
  /** A ticket may have changed: to be read soon. */
  hint(system: string, ticketIds: string[]): Promise<void>;
  hints(system: string, limit: number): Promise<{ ticketId: string; at: Date }[]>;
  /** Unless another hint has come since. */
  dropHint(system: string, hint: { ticketId: string; at: Date }): Promise<void>;
}

/** A process that reads a system renews its claim more often than that; s. */
const claimSeconds = 60;

export function systemStates(db: Db): SystemStates {
  return {
    async claim(system, isDueAfter) {
      await db
        .insertInto('systems')
        .values({ name: system })
        .onConflict((c) => c.doNothing())
        .execute();
      const isDue = sql<boolean>`polled_at is null or polled_at < now() - ${isDueAfter / second} * interval '1 second'
        or exists (select from system_hints where system = name)`;
      return db
        .updateTable('systems')
        .set({ claimedUntil: sql<Date>`now() + ${claimSeconds} * interval '1 second'` })
        .where('name', '=', system)
        .where((eb) => eb.or([eb('claimedUntil', 'is', null), eb('claimedUntil', '<', sql<Date>`now()`)]))
        .where(isDue)
        .returning(['name', 'mark', 'polledAt', 'comparedAt', 'failingSince', 'reason'])
        .executeTakeFirst();
    },

    async renew(name) {
      const claimedUntil = sql<Date>`now() + ${claimSeconds} * interval '1 second'`;
      await db.updateTable('systems').set({ claimedUntil }).where('name', '=', name).execute();
    },

    async read(system, mark, compared, polled) {
      const now = sql<Date>`now()`;
      await db
        .updateTable('systems')
        .set({
          mark,
          polledAt: polled ? now : undefined,
          comparedAt: compared ? now : undefined,
          claimedUntil: null,
          failingSince: null,
          reason: null,
        })
        .where('name', '=', system)
        .execute();
    },

    async failed(system, reason) {
      await db
        .updateTable('systems')
        .set({
          polledAt: sql<Date>`now()`,
          claimedUntil: null,
          failingSince: sql<Date>`coalesce(failing_since, now())`,
          reason,
        })
        .where('name', '=', system)
        .execute();
    },

    states: () =>
      db
        .selectFrom('systems')
        .select(['name', 'mark', 'polledAt', 'comparedAt', 'failingSince', 'reason'])
        .orderBy('name')
        .execute(),

    async hint(system, ticketIds) {
      if (ticketIds.length === 0) return;
      await db
        .insertInto('systemHints')
        .values(ticketIds.map((ticketId) => ({ system, ticketId })))
        .onConflict((c) => c.columns(['system', 'ticketId']).doUpdateSet({ at: sql<Date>`clock_timestamp()` }))
        .execute();
    },

    hints: (system, limit) =>
      db
        .selectFrom('systemHints')
        .select(['ticketId', 'at'])
        .where('system', '=', system)
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
  };
}
