/** Heartbeats of the workers: Temporal still lists one for a minute after it was killed. */
import { sql } from 'kysely';
import { second } from '../policy/time.js';
import type { Db } from './database/database.js';

export interface Workers {
  /** `id`: of the process; `version`: empty if it has none. */
  beat(id: string, version: string): Promise<void>;
  end(id: string): Promise<void>;
  /** Versions whose workers have all ended or fallen silent. One that has never sent a heartbeat is not among them. */
  silentVersions(): Promise<Set<string>>;
}

/** How often a worker sends a heartbeat, and how soon again after one that failed; ms. */
export const [heartbeatEvery, heartbeatRetry] = [10 * second, 2 * second];
/** Two heartbeats may be missed, and the third may be 5 s late. */
const silence = sql`interval '35 seconds'`;

export function workerTable(db: Db): Workers {
  return {
    async beat(id, version) {
      await sql`with forgotten as (delete from workers where seen_at < now() - interval '1 day')
        insert into workers (id, version, seen_at) values (${id}, ${version}, now())
        on conflict (id) do update set seen_at = now()`.execute(db);
    },

    async end(id) {
      await db.updateTable('workers').set({ hasEnded: true }).where('id', '=', id).execute();
    },

    async silentVersions() {
      const { rows } = await sql<{ version: string }>`
        select version from workers group by version
        having bool_and(has_ended or seen_at < now() - ${silence})`.execute(db);
      return new Set(rows.map(({ version }) => version));
    },
  };
}
