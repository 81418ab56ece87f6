/** 0033: the workers that run. */
import { sql, type Kysely, type Migration } from 'kysely';

export const workers: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`create table workers (id uuid primary key, version text not null, seen_at timestamptz not null)`.execute(
      db,
    );
  },
};
