/** 0008: what a report's run has decided. */
import { sql, type Kysely, type Migration } from 'kysely';

export const ledger: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create function state_of(status text) returns text language sql immutable as $$
        select case when status in ('acknowledged', 'inProgress', 'pending', 'held') then 'open'
          when status = 'resolved' then 'cleared' when status = 'closed' then 'closed' else 'cancelled' end
      $$`.execute(db);
    // A report that another program inserts gets a run when something happens to it; one that we open, at once.
    await sql`
      alter table reports
        drop column run_state,
        drop column run_cycle,
        add column state text,
        add column rev int not null default 0,
        add column run_id text default '',
        add column signals int not null default 0,
        add column last_write text,
        add column earlier_run_id text,
        add column earlier_signals int not null default 0,
        add column received jsonb not null default '{"dated": [], "ids": []}',
        add column hold jsonb,
        add column clear_by text,
        add column released_by text,
        add column skip_survey_by text,
        add column attention jsonb,
        add column expected_at timestamptz,
        add column wakes int not null default 0,
        add column wake_after timestamptz`.execute(db);
    await sql`update reports set state = state_of(status)`.execute(db);
    await sql`alter table reports alter column state set not null, alter column state set default 'open'`.execute(db);
    await sql`create index reports_overdue on reports (expected_at) where expected_at is not null`.execute(db);
    await sql`create index reports_not_started on reports (opened_at) where run_id is null`.execute(db);
    await sql`create index reports_changed_elsewhere on reports (id) where state <> state_of(status)`.execute(db);
    await sql`create index reports_in_attention on reports (id) where attention is not null`.execute(db);
    await sql`create table change_reasons (
      id text primary key,
      report_id text not null references reports on delete cascade,
      reason text not null,
      at timestamptz not null default now()
    )`.execute(db);
    await sql`create index change_reasons_by_report on change_reasons (report_id)`.execute(db);
    await sql`delete from status_changes where not applied`.execute(db);
    await sql`alter table status_changes drop column applied`.execute(db);
    // Rows that are only ever added beside the row they refer to, in the same statement.
    await sql`alter table status_changes drop constraint status_changes_report_id_fkey`.execute(db);
    await sql`alter table survey_events drop constraint survey_events_survey_id_fkey`.execute(db);
    await sql`alter table surveys rename column confirm_notified to confirm_acted_on`.execute(db);
    await sql`alter table answers rename column notified_revision to acted_on_revision`.execute(db);
    for (const table of ['suppressions', 'opt_outs'])
      await sql`alter table ${sql.table(table)} add column report_id text`.execute(db);
    await sql`create table lost_runs (run_id text primary key, at timestamptz not null default now())`.execute(db);
    await sql`drop table sweeps`.execute(db);
    await sql`
      create table sweeps (
        id int primary key default 1 check (id = 1),
        counter int not null,
        workflow_id text not null,
        run_id text not null,
        notified jsonb not null,
        failed int not null,
        stuck int not null,
        took_ms int not null,
        at timestamptz not null
      )`.execute(db);
  },
};
