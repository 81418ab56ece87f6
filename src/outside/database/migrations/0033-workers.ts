/** 0033: heartbeats of the workers. */
import { sql, type Kysely, type Migration } from 'kysely';

export const workers: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`create table workers (
      id uuid primary key,
      version text not null,
      seen_at timestamptz not null,
      has_ended boolean not null default false
    )`.execute(db);
  },
};
