/**
 * 0012: events and their deliveries. Triggers write an event in the transaction of the change itself, whoever makes it, so none is
 * lost or invented; and a delivery for each listener, so no mark can skip one.
 */
import { sql, type Kysely, type Migration } from 'kysely';

export const events: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table listeners (
        name text primary key,
        kind text not null,
        types text[],
        callback text,
        query text,
        failures int not null default 0,
        failing_since timestamptz,
        retry_at timestamptz,
        parked_at timestamptz,
        reason text,
        created_at timestamptz not null default now()
      )`.execute(db);
    await sql`
      create table events (
        seq bigint generated always as identity primary key,
        id uuid not null default gen_random_uuid(),
        type text not null,
        report_id text not null,
        cycle int not null,
        survey_id text,
        data jsonb not null default '{}',
        at timestamptz not null default clock_timestamp()
      )`.execute(db);
    await sql`create index events_by_time on events (at)`.execute(db);
    await sql`create index events_ready on events (survey_id) where type = 'survey.ready'`.execute(db);
    await sql`
      create table deliveries (
        listener text not null references listeners on delete cascade,
        seq bigint not null references events on delete cascade,
        report_id text not null,
        attempts int not null default 0,
        due_at timestamptz not null default now(),
        failing_since timestamptz,
        claimed_until timestamptz,
        primary key (listener, seq)
      )`.execute(db);
    await sql`create index deliveries_in_order on deliveries (listener, report_id, seq)`.execute(db);
    await sql`create index deliveries_of_event on deliveries (seq)`.execute(db);
    await createTriggers(db);
  },
};

async function createTriggers(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function note_event(event_type text, report text, in_cycle int, survey text, details jsonb) returns void
    language sql as $$
      with noted as (
        insert into events (type, report_id, cycle, survey_id, data)
        values (event_type, report, in_cycle, survey, details) returning seq, type, report_id)
      insert into deliveries (listener, seq, report_id)
      select name, seq, report_id from noted, listeners where types is null or type = any(types)
    $$`.execute(db);
  await sql`
    create function note_report_event() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        perform note_event('report.deleted', old.id, old.cycle, null, '{}');
        return null;
      end if;
      if tg_op = 'INSERT' then
        perform note_event('report.opened', new.id, new.cycle, null, jsonb_build_object('status', new.status));
        return null;
      end if;
      if new.state <> old.state then
        if old.state = 'open' and new.state = 'closed' and new.cleared_at is not null then
          perform note_event('report.cleared', new.id, new.cycle, null, '{"status": "resolved"}');
        end if;
        perform note_event('report.' || case new.state when 'open' then 'reopened' else new.state end, new.id, new.cycle, null,
          jsonb_build_object('status', new.status));
      elsif new.last_update <> old.last_update then
        perform note_event('report.changed', new.id, new.cycle, null,
          jsonb_build_object('status', new.status, 'isMoved', new.status <> old.status));
      end if;
      if old.attention is null and new.attention is not null then
        perform note_event('report.needsAttention', new.id, new.cycle, null,
          jsonb_build_object('status', new.status, 'code', new.attention ->> 'code', 'step', new.attention ->> 'step'));
      end if;
      return null;
    end $$`.execute(db);
  await sql`create trigger report_events after insert or update or delete on reports
    for each row execute function note_report_event()`.execute(db);
  await sql`
    create function note_survey_event() returns trigger language plpgsql as $$
    begin
      if new.state in ('sent', 'skipped', 'undeliverable') and (tg_op = 'INSERT' or new.state <> old.state) then
        perform note_event('survey.' || new.state, new.report_id, new.cycle, new.id,
          case when new.state = 'sent' then '{}' else jsonb_build_object('reason', new.reason) end);
      end if;
      return null;
    end $$`.execute(db);
  await sql`create trigger survey_events_out after insert or update of state on surveys
    for each row execute function note_survey_event()`.execute(db);
  await sql`
    create function note_answer_event() returns trigger language plpgsql as $$
    begin
      perform note_event('survey.answered', s.report_id, s.cycle, s.id, jsonb_build_object('score', new.score, 'scale', q.scale,
        'question', q.name, 'version', q.version, 'solved', new.solved, 'revision', new.revision))
      from surveys s join questions q on q.id = s.question_id where s.id = new.survey_id;
      return null;
    end $$`.execute(db);
  await sql`create trigger answer_events after insert on answer_revisions
    for each row execute function note_answer_event()`.execute(db);
}
