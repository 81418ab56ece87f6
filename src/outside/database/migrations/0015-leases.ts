/** 0015: who is changing a ticket or handling an alarm; hints that are due later; tickets that are gone; a rate for all processes; named tokens. */
import { sql, type Kysely, type Migration } from 'kysely';

export const leases: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table reports add column moving_by text, add column moving_to text, add column gone_at timestamptz`.execute(
      db,
    );
    await sql`
      alter table system_hints
        add column due_at timestamptz not null default clock_timestamp(),
        add column failures int not null default 0`.execute(db);
    await sql`alter table systems add column next_at timestamptz`.execute(db);
    await sql`alter table alarms add column claimed_by text, add column claimed_until timestamptz`.execute(db);
    await sql`
      create table api_tokens (
        name text primary key,
        hash text not null unique,
        scopes text[] not null,
        created_at timestamptz not null default now(),
        last_used_at timestamptz
      )`.execute(db);
    await sql`alter table alarms alter column starts_at drop not null`.execute(db);
  },
};
