/** 0019: to which address a survey was mailed, and what became of operators' replies. */
import { sql, type Kysely, type Migration } from 'kysely';

export const mailed: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table surveys add column mailed_to text`.execute(db);
    await sql`alter table messages add column begun_at timestamptz, add column failure text`.execute(db);
    // So old that they are not to be mailed any more.
    await sql`
      update messages set failure = 'GaveUp'
      where direction = 'out' and sent_at is null and at < now() - interval '30 days'`.execute(db);
  },
};
