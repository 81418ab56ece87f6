/** 0024 and 0025: the id of a change counts once per report, and so does its reason. */
import { sql, type Kysely, type Migration } from 'kysely';
import type { SchemaMigration } from '../migrate.js';

export const reasonsIndex: SchemaMigration = {
  isConcurrent: true,
  async up(db: Kysely<unknown>) {
    await sql`drop index concurrently if exists change_reasons_key`.execute(db);
    await sql`create unique index concurrently change_reasons_key on change_reasons (report_id, id)`.execute(db);
  },
};

export const reasonsKey: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table change_reasons drop constraint change_reasons_pkey,
      add constraint change_reasons_pkey primary key using index change_reasons_key`.execute(db);
    await sql`drop index change_reasons_by_report`.execute(db);
  },
};
