/** One change of ours at a time to a ticket in an external system, whoever makes it. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { CloseoutError, hasCode } from '../../contract/errors.js';
import { second } from '../../policy/time.js';
import type { Db } from '../database/database.js';
import { leaseSeconds, withLease } from '../lease.js';
import type { ReportRow } from './row-mapping.js';

export interface TicketLeases {
  /**
   * Works on the ticket of a report while nobody else does. `marker` names the change of status to be made; it is kept from the first
   * `assertHeld` on, unless the system refuses the change. `assertHeld` returns the report's row. Call it before every change: a process
   * that was paused may have lost the lease. Both throw `SystemUnavailable` if another process has it.
   */
  hold<T>(
    reportId: string,
    marker: string | undefined,
    work: (assertHeld: () => Promise<ReportRow>) => Promise<T>,
  ): Promise<T>;
}

const lasting = sql<Date>`now() + ${leaseSeconds} * interval '1 second'`;

export function ticketLeases(db: Db): TicketLeases {
  return {
    async hold(reportId, marker, work) {
      const holder = randomUUID();
      const report = () => db.updateTable('reports').where('id', '=', reportId);
      const ours = () => report().where('movingBy', '=', holder);
      const lease = {
        take: async () => {
          const isFree = sql<boolean>`(moving_until is null or moving_until < now())`;
          const taken = report().set({ movingBy: holder, movingUntil: lasting }).where(isFree);
          return (await taken.executeTakeFirst()).numUpdatedRows > 0n;
        },
        renew: () => ours().set({ movingUntil: lasting }).execute(),
        release: () => ours().set({ movingBy: null, movingUntil: null }).execute(),
      };
      const assertHeld = async () => {
        const row = await ours()
          .set({ movingTo: marker, movingBy: holder })
          .where('movingUntil', '>', sql<Date>`now()`)
          .returningAll()
          .executeTakeFirst();
        return row ?? taken();
      };
      const forgetRefused = async (error: unknown): Promise<never> => {
        if (marker !== undefined && hasCode(error, 'SystemRefused')) await ours().set({ movingTo: null }).execute();
        throw error;
      };
      const held = await withLease(lease, () => work(assertHeld).catch(forgetRefused));
      return held ? held.done : taken();
    },
  };
}

function taken(): never {
  const message = 'Another attempt is still changing the ticket.';
  throw new CloseoutError('SystemUnavailable', message, undefined, { retryAfter: 2 * second });
}
