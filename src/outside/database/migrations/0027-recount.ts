/** 0027: the other addresses that a survey was mailed to before, and the days on which surveys have to be counted again. */
import { sql, type Kysely, type Migration } from 'kysely';

export const recount: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table surveys add column earlier_addresses text[] not null default '{}'`.execute(db);
    await sql`create table survey_days_to_count (day date primary key)`.execute(db);
    await sql`alter table survey_roll_up add column compared_at timestamptz`.execute(db);
  },
};
