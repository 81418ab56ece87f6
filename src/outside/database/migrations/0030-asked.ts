/** 0030: contact caps count by the time at which the customer was asked, however long after the decision that was. */
import { sql, type Kysely } from 'kysely';
import type { SchemaMigration } from '../migrate.js';

export const asked: SchemaMigration = {
  isConcurrent: true,
  async up(db: Kysely<unknown>) {
    await sql`drop index concurrently if exists surveys_by_customer_asked`.execute(db);
    await sql`create index concurrently surveys_by_customer_asked
      on surveys (customer_id, (coalesce(sent_at, decided_at)))`.execute(db);
    await sql`drop index concurrently if exists surveys_by_customer`.execute(db);
    await sql`drop index concurrently if exists surveys_by_question`.execute(db);
  },
};
