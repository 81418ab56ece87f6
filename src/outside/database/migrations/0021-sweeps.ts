/** 0021: up to when runs that ended before their reports did have been replaced, and what operators were alerted to. */
import { sql, type Kysely, type Migration } from 'kysely';

export const sweeps: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table sweeps add column ended_until timestamptz`.execute(db);
    await sql`update sweeps set ended_until = at`.execute(db);
    await sql`update messages set begun_at = at where direction = 'in'`.execute(db);
  },
};
