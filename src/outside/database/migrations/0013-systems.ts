/** 0013: external ticket systems: which report lives where, what was last seen of it there, what is to be read again; and alarms. */
import { sql, type Kysely, type Migration } from 'kysely';

export const systems: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      alter table reports
        add column system text,
        add column ticket_id text,
        add column observed_status text,
        add column observed_at timestamptz,
        add column moving_until timestamptz`.execute(db);
    await sql`create unique index reports_by_ticket on reports (system, ticket_id)`.execute(db);
    await sql`
      create table systems (
        name text primary key,
        mark text,
        polled_at timestamptz,
        compared_at timestamptz,
        claimed_until timestamptz,
        failing_since timestamptz,
        reason text
      )`.execute(db);
    await sql`
      create table alarms (
        source text not null,
        fingerprint text not null,
        starts_at timestamptz not null,
        report_id text references reports on delete set null,
        primary key (source, fingerprint)
      )`.execute(db);
    await sql`
      create table system_hints (
        system text not null,
        ticket_id text not null,
        at timestamptz not null default clock_timestamp(),
        primary key (system, ticket_id)
      )`.execute(db);
  },
};
