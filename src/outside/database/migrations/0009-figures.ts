/** 0009: indexes for every list, filter and job, and daily counts of surveys. */
import { sql, type Kysely, type Migration } from 'kysely';

export const figures: Migration = {
  async up(db: Kysely<unknown>) {
    // One for every order and filter of the list. Long texts are compared by their hash.
    await sql`drop index reports_by_update`.execute(db);
    await sql`drop index reports_by_status`.execute(db);
    await sql`drop index reports_by_service_problem`.execute(db);
    await sql`create index reports_by_opening on reports (opened_at desc, id)`.execute(db);
    for (const column of ['status', 'severity', 'ticket_type', 'priority'])
      await sql`create index ${sql.id(`reports_by_${column}`)} on reports (${sql.id(column)}, opened_at desc, id)`.execute(
        db,
      );
    for (const column of ['name', 'description', 'external_id'])
      await sql`create index ${sql.id(`reports_by_${column}`)} on reports using hash (${sql.id(column)})`.execute(db);
    await sql`create index reports_of_service_problem on reports (service_problem_id, id)`.execute(db);
    await sql`create index reports_to_forget on reports ((coalesce(closed_at, last_update)))
      where status in ('closed', 'cancelled', 'rejected') and forgotten_at is null`.execute(db);
    await sql`create index answers_by_time on answers (at desc)`.execute(db);
    await sql`create index survey_events_by_time on survey_events (at)`.execute(db);
    await sql`
      create table survey_days (
        day date not null,
        month text not null,
        ticket_type text not null,
        service_problem text,
        state text not null,
        reason text,
        was_sent boolean not null,
        score int,
        count int not null
      )`.execute(db);
    await sql`create index survey_days_by_day on survey_days (day)`.execute(db);
    await sql`create table survey_roll_up (id int primary key default 1 check (id = 1), at timestamptz not null)`.execute(
      db,
    );
    await sql`insert into survey_roll_up (at) values ('-infinity')`.execute(db);
  },
};
