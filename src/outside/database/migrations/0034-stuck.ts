/** 0034: an index of the reports whose runs do not respond to repeated wake-ups. */
import { sql, type Kysely } from 'kysely';
import type { SchemaMigration } from '../migrate.js';

export const stuck: SchemaMigration = {
  isConcurrent: true,
  async up(db: Kysely<unknown>) {
    await sql`drop index concurrently if exists reports_stuck`.execute(db);
    await sql`create index concurrently reports_stuck on reports (id) where wakes >= 5`.execute(db);
  },
};
