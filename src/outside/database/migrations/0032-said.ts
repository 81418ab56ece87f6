/** 0032: the desk lists what customers said when they opened a report again. */
import { sql, type Kysely } from 'kysely';
import type { SchemaMigration } from '../migrate.js';

export const said: SchemaMigration = {
  isConcurrent: true,
  async up(db: Kysely<unknown>) {
    await sql`drop index concurrently if exists status_changes_by_customer`.execute(db);
    await sql`create index concurrently status_changes_by_customer on status_changes (at)
      where by = 'customer' and reason is not null`.execute(db);
  },
};
