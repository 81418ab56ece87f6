/** 0029: when the sweep signalled what a customer said, so that it is kept until the ledger shows what became of it. */
import { sql, type Kysely, type Migration } from 'kysely';

export const signalled: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table stored_reopenings add column signalled_at timestamptz`.execute(db);
  },
};
