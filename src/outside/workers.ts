/** The workers that run, as they say themselves: Temporal still lists one for a minute after it was killed. */
import { sql } from 'kysely';
import { second } from '../policy/time.js';
import type { Db } from './database/database.js';

export interface Workers {
  /** `id`: of the process; `version`: empty if it has none. To be called every `heartbeat`. */
  noteRunning(id: string, version: string): Promise<void>;
  noteEnded(id: string): Promise<void>;
  /** The versions of those that run. */
  versions(): Promise<Set<string>>;
}

/** How often a worker says that it runs; ms. */
export const heartbeat = 10 * second;
/** It may be late twice, and a third time a little. */
const silence = sql`interval '35 seconds'`;

export function workerTable(db: Db): Workers {
  return {
    async noteRunning(id, version) {
      await sql`with forgotten as (delete from workers where seen_at < now() - interval '1 day')
        insert into workers (id, version, seen_at) values (${id}, ${version}, now())
        on conflict (id) do update set seen_at = now()`.execute(db);
    },

    async noteEnded(id) {
      await db.deleteFrom('workers').where('id', '=', id).execute();
    },

    async versions() {
      const isAlive = sql<boolean>`seen_at > now() - ${silence}`;
      const rows = await db.selectFrom('workers').select('version').distinct().where(isAlive).execute();
      return new Set(rows.map(({ version }) => version));
    },
  };
}
