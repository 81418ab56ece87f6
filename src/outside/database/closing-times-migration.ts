/** 0010: how long closings took beyond what the policy waits, by day. */
import { sql, type Kysely, type Migration } from 'kysely';

export const closingTimes: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table reports add column close_due_at timestamptz`.execute(db);
    await sql`
      create table closing_days (
        day date primary key,
        closed int not null,
        p50 float not null,
        p95 float not null
      )`.execute(db);
  },
};
