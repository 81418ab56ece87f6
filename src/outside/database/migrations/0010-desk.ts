/** 0010: what operators asked for, in whose name customers are written to, and how long closings took beyond what the policy waits, by day. */
import { sql, type Kysely, type Migration } from 'kysely';

export const desk: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table reports add column close_due_at timestamptz`.execute(db);
    await sql`alter table surveys add column brand text`.execute(db);
    await sql`
      create table closing_days (
        day date primary key,
        closed int not null,
        p50 float not null,
        p95 float not null
      )`.execute(db);
    await sql`
      create table operations (
        id bigint generated always as identity primary key,
        report_id text not null references reports on delete cascade,
        cycle int not null,
        rev int not null,
        name text not null,
        by text not null,
        note text,
        at timestamptz not null default now(),
        unique (report_id, rev)
      )`.execute(db);
    await sql`create index answers_by_change on answers (changed_at)`.execute(db);
    await sql`create index messages_from_customers on messages (at) where direction = 'in'`.execute(db);
    await sql`create index confirmations_refused on surveys (confirmed_at) where confirmation = 'no'`.execute(db);
    await sql`create index reports_held on reports (opened_at) where hold is not null`.execute(db);
  },
};
