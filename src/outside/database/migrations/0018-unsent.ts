/** 0018: what customers said while Temporal may have been unavailable, and which replies were not sent. */
import { sql, type Kysely, type Migration } from 'kysely';

export const unsent: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table stored_reopenings (
        id text primary key,
        report_id text not null references reports on delete cascade,
        has_reason boolean not null,
        received_at timestamptz not null
      )`.execute(db);
    await sql`create index stored_reopenings_by_report on stored_reopenings (report_id)`.execute(db);
    await sql`create index messages_unsent on messages (at) where direction = 'out' and sent_at is null`.execute(db);
  },
};
