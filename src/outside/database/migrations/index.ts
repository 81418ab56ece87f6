/** The schema's history, oldest first. A released migration is never edited. */
import { sql, type Kysely, type Migration } from 'kysely';
import type { SchemaMigration } from '../migrate.js';
import { asked } from './0030-asked.js';
import { handled } from './0031-handled.js';
import { said } from './0032-said.js';
import { workers } from './0033-workers.js';
import { stuck } from './0034-stuck.js';
import { claims } from './0020-claims.js';
import { desk } from './0010-desk.js';
import { events } from './0012-events.js';
import { systems } from './0013-systems.js';
import { tickets } from './0014-tickets.js';
import { mailed } from './0019-mailed.js';
import { questions } from './0011-questions.js';
import { reasonsIndex, reasonsKey } from './0024-reasons.js';
import { failures } from './0023-failures.js';
import { firings } from './0026-firings.js';
import { figures } from './0009-figures.js';
import { ledger } from './0008-ledger.js';
import { leases } from './0015-leases.js';
import { indexes } from './0022-indexes.js';
import { instants } from './0016-instants.js';
import { recount } from './0027-recount.js';
import { removed } from './0028-removed.js';
import { signalled } from './0029-signalled.js';
import { sessions } from './0017-sessions.js';
import { sweeps } from './0021-sweeps.js';
import { unsent } from './0018-unsent.js';

const initial: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table customers (
        id text primary key,
        created_at timestamptz not null default now()
      )`.execute(db);
    await sql`
      create table reports (
        id text primary key,
        status text not null,
        status_reason text,
        cycle int not null default 1,
        description text not null,
        severity text not null,
        ticket_type text not null,
        name text,
        priority text,
        external_id text,
        customer_id text references customers,
        service_problem_id text,
        opened_at timestamptz not null,
        changed_at timestamptz,
        cleared_at timestamptz,
        closed_at timestamptz,
        last_update timestamptz not null default now(),
        document jsonb not null default '{}'
      )`.execute(db);
    await sql`create index reports_by_update on reports (last_update, id)`.execute(db);
    await sql`create index reports_by_status on reports (status)`.execute(db);
    await sql`create index reports_by_service_problem on reports (service_problem_id)`.execute(db);
    await sql`
      create table contacts (
        report_id text primary key references reports on delete cascade,
        name text,
        email_address text,
        preferred_language text,
        time_zone text
      )`.execute(db);
    await sql`
      create table status_changes (
        id bigint generated always as identity primary key,
        report_id text not null references reports on delete cascade,
        cycle int not null,
        status text not null,
        at timestamptz not null,
        by text,
        reason text,
        applied boolean not null,
        recorded_at timestamptz not null default now(),
        unique (report_id, status, at)
      )`.execute(db);
    await sql`
      create table surveys (
        id text primary key,
        report_id text not null references reports on delete cascade,
        cycle int not null,
        customer_id text references customers,
        service_problem_id text,
        state text not null,
        reason text,
        claimed_at timestamptz not null default now(),
        sent_at timestamptz,
        reminded_at timestamptz,
        expires_at timestamptz,
        unique (report_id, cycle)
      )`.execute(db);
    await sql`create index surveys_by_customer on surveys (customer_id, claimed_at)`.execute(db);
    await sql`
      create table answers (
        survey_id text primary key references surveys on delete cascade,
        score int check (score between 1 and 5),
        solved boolean,
        comment text,
        at timestamptz not null default now()
      )`.execute(db);
    for (const table of ['suppressions', 'opt_outs']) {
      await sql`
        create table ${sql.table(table)} (
          address_hash text primary key,
          source text not null,
          at timestamptz not null default now()
        )`.execute(db);
    }
    await sql`alter table suppressions add column reason text not null`.execute(db);
  },
};

const survey: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      alter table surveys
        add column mailed_at timestamptz,
        add column reopen_until timestamptz,
        add column alerted_revision int`.execute(db);
    await sql`alter table reports add column forgotten_at timestamptz`.execute(db);
    await sql`
      alter table answers
        add column revision int not null default 1,
        add column told_revision int not null default 0,
        add column changed_at timestamptz not null default now(),
        add column complaints text[] not null default '{}'`.execute(db);
    await sql`
      create table answer_revisions (
        survey_id text not null references surveys on delete cascade,
        revision int not null,
        score int check (score between 1 and 5),
        solved boolean,
        complaints text[] not null,
        comment text,
        at timestamptz not null default now(),
        primary key (survey_id, revision)
      )`.execute(db);
    await sql`
      create table messages (
        id text primary key,
        survey_id text not null references surveys on delete cascade,
        direction text not null,
        message_id text,
        author text,
        text text not null,
        at timestamptz not null default now(),
        sent_at timestamptz
      )`.execute(db);
    await sql`
      create table survey_events (
        id bigint generated always as identity primary key,
        survey_id text not null references surveys on delete cascade,
        event text not null,
        by text,
        detail text,
        at timestamptz not null default now()
      )`.execute(db);
    await sql`create index survey_events_by_survey on survey_events (survey_id, id)`.execute(db);
    await sql`create index reports_by_customer on reports (customer_id)`.execute(db);
    await sql`create index messages_by_survey on messages (survey_id, at)`.execute(db);
    await sql`create index surveys_by_time on surveys (claimed_at)`.execute(db);
  },
};

const watch: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      alter table reports
        add column run_status text not null default 'open',
        add column run_cycle int not null default 1`.execute(db);
    // Runs of existing reports count as notified, so that the next sweep does not signal all of them.
    await sql`
      update reports set run_cycle = cycle, run_status = case
        when status in ('acknowledged', 'inProgress', 'pending', 'held') then 'open'
        when status = 'resolved' then 'cleared' when status = 'closed' then 'closed' else 'cancelled' end`.execute(db);
    await sql`create index reports_by_closing on reports (closed_at)`.execute(db);
    await sql`create index answers_untold on answers (survey_id) where told_revision < revision`.execute(db);
    await sql`
      create table sweeps (
        id int primary key default 1 check (id = 1),
        reports int not null,
        told jsonb not null,
        failed int not null,
        took_ms int not null,
        at timestamptz not null
      )`.execute(db);
  },
};

const confirmation: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      alter table surveys
        add column confirmation text,
        add column confirm_for timestamptz,
        add column confirm_until timestamptz,
        add column confirmed_at timestamptz,
        add column warned_at timestamptz,
        add column confirm_reason text,
        add column confirm_told boolean not null default false`.execute(db);
    await sql`
      create index confirmations_untold on surveys (id) where confirmed_at is not null and not confirm_told`.execute(
      db,
    );
  },
};

const receipt: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table reports add column clear_received_at timestamptz`.execute(db);
    await sql`
      update reports r set clear_received_at = c.recorded_at from status_changes c
        where c.report_id = r.id and c.status = 'resolved' and c.applied and c.at = r.cleared_at`.execute(db);
  },
};

const plainNames: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table surveys rename column claimed_at to decided_at`.execute(db);
    await sql`alter table surveys rename column confirm_told to confirm_notified`.execute(db);
    await sql`alter table answers rename column told_revision to notified_revision`.execute(db);
    await sql`alter table sweeps rename column told to notified`.execute(db);
    await sql`alter table reports rename column run_status to run_state`.execute(db);
    await sql`update surveys set state = 'queued' where state = 'claimed'`.execute(db);
    await sql`update surveys set confirmation = 'queued' where confirmation = 'claimed'`.execute(db);
  },
};

const contactAttributes: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table contacts add column attributes jsonb`.execute(db);
  },
};

export const migrations: Record<string, SchemaMigration> = {
  '0001-initial': initial,
  '0002-survey': survey,
  '0003-watch': watch,
  '0004-confirmation': confirmation,
  '0005-receipt': receipt,
  '0006-plain-names': plainNames,
  '0007-contact-attributes': contactAttributes,
  '0008-ledger': ledger,
  '0009-figures': figures,
  '0010-desk': desk,
  '0011-questions': questions,
  '0012-events': events,
  '0013-systems': systems,
  '0014-tickets': tickets,
  '0015-leases': leases,
  '0016-instants': instants,
  '0017-sessions': sessions,
  '0018-unsent': unsent,
  '0019-mailed': mailed,
  '0020-claims': claims,
  '0021-sweeps': sweeps,
  '0022-indexes': indexes,
  '0023-failures': failures,
  '0024-reasons-index': reasonsIndex,
  '0025-reasons-key': reasonsKey,
  '0026-firings': firings,
  '0027-recount': recount,
  '0028-removed': removed,
  '0029-signalled': signalled,
  '0030-asked': asked,
  '0031-handled': handled,
  '0032-said': said,
  '0033-workers': workers,
  '0034-stuck': stuck,
};
