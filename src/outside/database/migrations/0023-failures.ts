/** 0023: when a failure of a listener was counted, because those of one batch count once. */
import { sql, type Kysely, type Migration } from 'kysely';

export const failures: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table listeners add column failed_at timestamptz`.execute(db);
  },
};
