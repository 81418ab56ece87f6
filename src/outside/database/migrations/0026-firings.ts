/** 0026: when an alarm ended, and how often it has fired with the same start. */
import { sql, type Kysely, type Migration } from 'kysely';

export const firings: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table alarms add column ended_at timestamptz, add column firings int not null default 1`.execute(
      db,
    );
  },
};
