/** 0020: who reads an external system; and a change that meets the removal of a listener waits for it, instead of failing. */
import { sql, type Kysely, type Migration } from 'kysely';

export const claims: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table systems add column claimed_by text`.execute(db);
    await sql`
      create or replace function note_event(event_type text, report text, in_cycle int, survey text, details jsonb) returns void
      language sql as $$
        with noted as (
          insert into events (type, report_id, cycle, survey_id, data)
          values (event_type, report, in_cycle, survey, details) returning seq, type, report_id)
        insert into deliveries (listener, seq, report_id)
        select name, seq, report_id from noted, listeners where types is null or type = any(types)
        for key share of listeners
      $$`.execute(db);
  },
};
