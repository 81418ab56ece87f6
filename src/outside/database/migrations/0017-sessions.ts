/** 0017: who is logged in. */
import { sql, type Kysely, type Migration } from 'kysely';

export const sessions: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table sessions (
        hash text primary key,
        name text not null,
        scopes text[] not null,
        expires_at timestamptz not null
      )`.execute(db);
  },
};
