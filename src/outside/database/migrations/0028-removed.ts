/** 0028: the last cycle of each report that was deleted, so that a report with the same id has no survey in common with it. */
import { sql, type Kysely, type Migration } from 'kysely';

export const removed: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`create table removed_reports (id text primary key, cycle integer not null)`.execute(db);
  },
};
