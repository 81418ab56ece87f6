/** 0016: times in tickets are compared as instants. */
import { sql, type Kysely, type Migration } from 'kysely';

export const instants: Migration = {
  /** Null for a text that is no time of ISO 8601. UTC where it names no zone, and midnight where it names only a day. */
  async up(db: Kysely<unknown>) {
    await sql`
      create function instant(value text) returns timestamptz language plpgsql stable set timezone to 'UTC' as $$
      begin
        if value !~ '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d(:?\\d\\d)?)?)?$' then
          return null;
        end if;
        return value::timestamptz;
      exception when data_exception then
        return null;
      end $$`.execute(db);
  },
};
