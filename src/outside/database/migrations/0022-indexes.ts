/** 0022: what is done often finds its rows by an index, however many there are. */
import { sql, type Kysely } from 'kysely';
import type { SchemaMigration } from '../migrate.js';

export const indexes: SchemaMigration = {
  isConcurrent: true,
  async up(db: Kysely<unknown>) {
    await sql`drop index concurrently if exists reports_to_forget_again`.execute(db);
    await sql`create index concurrently reports_to_forget_again on reports (id)
      where status in ('closed', 'cancelled', 'rejected') and last_update > forgotten_at`.execute(db);
    await sql`drop index concurrently if exists alarms_of_report`.execute(db);
    await sql`create index concurrently alarms_of_report on alarms (report_id)`.execute(db);
  },
};
