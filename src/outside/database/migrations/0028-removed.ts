/**
 * 0028: of each report that was deleted, its last cycle, so that a report with the same id has no survey in common with it, and the
 * first cycle of each report; of each survey that was deleted, the hash of the address, so that the opt-out link in the mail still works.
 */
import { sql, type Kysely, type Migration } from 'kysely';

export const removed: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table reports add column first_cycle integer not null default 1`.execute(db);
    await sql`create table removed_reports (id text primary key, cycle integer not null)`.execute(db);
    await sql`create table removed_surveys (id text primary key, mailed_to text not null)`.execute(db);
  },
};
